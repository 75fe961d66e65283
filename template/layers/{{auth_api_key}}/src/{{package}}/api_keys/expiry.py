"""The expiry time of a key."""

import re
from datetime import UTC, datetime

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NO_SUCH_TIME = (OverflowError, ValueError)


def read_expiry(sent: object) -> datetime:
    """Return a time in the format of RFC 3339 as UTC.

    Raises:
        ValueError: The value is not a time, or not in the future.
    """
    if not isinstance(sent, str) or not _TIME.fullmatch(sent):
        raise ValueError("must be a time with an offset from UTC. Example: 2030-01-31T12:00:00Z")
    try:
        expires_at = datetime.fromisoformat(sent).astimezone(UTC)
    except _NO_SUCH_TIME:
        raise ValueError("must be a valid date and time") from None
    if expires_at <= datetime.now(UTC):
        raise ValueError("must be in the future")
    return expires_at
