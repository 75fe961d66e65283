"""Items: the sample resource."""
