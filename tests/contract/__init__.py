"""The service contract, asked over HTTP of a running service: nothing here knows what is inside."""
