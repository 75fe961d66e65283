"""Services as they are created on a machine without any of their libraries."""
