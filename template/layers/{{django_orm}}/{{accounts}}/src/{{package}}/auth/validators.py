"""What is asked of a new password beyond what Django's own validators ask."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

MAX_LENGTH = 128


class MaximumLengthValidator:
    """Refuses a password that only costs time to hash."""

    def validate(self, password: str, _user: AbstractBaseUser | None = None) -> None:
        """Let a password pass.

        Raises:
            ValidationError: it is too long.
        """
        if len(password) > MAX_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """Say what is asked."""
        return f"Your password may have {MAX_LENGTH} characters at most."
