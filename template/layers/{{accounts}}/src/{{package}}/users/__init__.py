"""Users: who has an account."""
