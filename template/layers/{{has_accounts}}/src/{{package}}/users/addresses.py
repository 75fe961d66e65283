"""Email addresses."""

from contextlib import suppress

from pydantic import validate_email


def normalize_email(address: str) -> str:
    """Return an email address in the form that is stored and compared.

    Addresses are equal if they differ only in case, in blanks around them, in the Unicode form of
    their characters, or in the spelling of an international domain. An invalid address, which no
    account has, is returned in lower case.
    """
    with suppress(ValueError):
        _, address = validate_email(address)
    return address.strip().lower()
