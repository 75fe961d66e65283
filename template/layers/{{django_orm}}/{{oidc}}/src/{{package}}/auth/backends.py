"""How the admin site knows people: by the session that a login at the issuer began."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest


class IssuerBackend(ModelBackend):
    """Knows whose a session is, and lets nobody in by a password."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 - Django's signature
        username: str | None = None,  # noqa: ARG002 - as above
        password: str | None = None,  # noqa: ARG002 - as above
        **_: Any,
    ) -> None:
        """Refuse: whoever registered an address first would know the password of its account."""
        return
