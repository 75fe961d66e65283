"""The cache of the service: values for a limited time."""
