"""Migrations of logins."""
