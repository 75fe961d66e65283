"""Generate production-ready Python backends from a Copier template."""

__version__ = "0.1.0.dev0"
