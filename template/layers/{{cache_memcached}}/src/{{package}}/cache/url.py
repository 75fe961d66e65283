"""The URL of the cache."""

from urllib.parse import urlsplit


def check_cache_url(url: str) -> None:
    """Check the URL of a memcached server.

    Raises:
        ValueError: The URL has another form.
    """
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname and parts.port != 0)
    except ValueError:  # a port that is not a number, or a wrong address
        complete = False
    if not complete or parts.scheme != "memcached" or parts.path.strip("/") or parts.query:
        raise ValueError("must be set and have the form memcached://host:11211")
    if "@" in parts.netloc:
        raise ValueError("must not have credentials")
