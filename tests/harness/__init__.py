"""What the tests share: rendered services, their environments, databases, servers and clients."""
