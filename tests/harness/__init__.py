"""Shared parts of the tests: rendered services, their environments, databases, servers and
clients.
"""
