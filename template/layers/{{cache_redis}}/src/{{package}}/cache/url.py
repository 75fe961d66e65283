"""The URL of the cache."""

from urllib.parse import parse_qsl, urlsplit

KNOWN = ("ssl_ca_certs",)


def check_cache_url(url: str) -> None:
    """Check the URL of a Redis or Valkey server.

    Raises:
        ValueError: The URL has another form, or an unknown parameter.
    """
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname and parts.port != 0)
    except ValueError:  # a port that is not a number, or a wrong address
        complete = False
    if not complete or parts.scheme not in ("redis", "rediss"):
        raise ValueError("must be set and have the form redis://user:password@host:6379/0")
    if not parts.path.removeprefix("/").isdigit() and parts.path not in ("", "/"):
        raise ValueError("must end with the number of a database. Example: /0")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if name not in KNOWN:
            message = f"must not have the parameter {name}. Known: {', '.join(KNOWN)}"
            raise ValueError(message)
