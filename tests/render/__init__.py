"""The rendered files of each combination, checked without running them."""
