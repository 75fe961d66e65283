"""Services as they come into being on a machine that has none of their libraries."""
