"""When a key expires."""

import re
from datetime import UTC, datetime

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NO_SUCH_TIME = (OverflowError, ValueError)


def read_expiry(sent: object) -> datetime:
    """Return the time that was sent, in UTC; it has to be written as in RFC 3339.

    Raises:
        ValueError: it is none, or not in the future.
    """
    if not isinstance(sent, str) or not _TIME.fullmatch(sent):
        raise ValueError("must be a time with its offset from UTC, such as 2030-01-31T12:00:00Z")
    try:
        expires_at = datetime.fromisoformat(sent).astimezone(UTC)
    except _NO_SUCH_TIME:
        raise ValueError("must be a time that the calendar knows") from None
    if expires_at <= datetime.now(UTC):
        raise ValueError("must be in the future")
    return expires_at
