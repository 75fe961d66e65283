"""Authentication of the admin site with the session of a login at the issuer."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest


class IssuerBackend(ModelBackend):
    """Backend that loads the user of a session, and rejects all passwords."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 - Django's signature
        username: str | None = None,  # noqa: ARG002 - see above
        password: str | None = None,  # noqa: ARG002 - see above
        **_: Any,
    ) -> None:
        """Reject a password: another person may have registered the email address before."""
        return
