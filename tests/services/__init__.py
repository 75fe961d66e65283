"""Each generated service's own tests and checks, run as its owner would run them."""
