"""`new-backend verify`, from outside."""
