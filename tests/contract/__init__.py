"""Black-box tests of the service contract: HTTP requests to a running service of any framework."""
