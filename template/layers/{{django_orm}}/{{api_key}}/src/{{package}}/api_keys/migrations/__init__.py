"""Migrations of API keys."""
