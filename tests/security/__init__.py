"""Attacks on running services."""
