"""The only package that prints: results on standard output, all else on standard error."""
