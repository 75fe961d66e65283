"""Tests of `new-backend verify` through its command line."""
