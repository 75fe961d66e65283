"""The own tests and checks of each generated service, run as its owner runs them."""
