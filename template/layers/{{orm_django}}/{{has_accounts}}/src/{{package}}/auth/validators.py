"""Password validators in addition to Django's own."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

MAX_LENGTH = 128


class MaximumLengthValidator:
    """Validator that rejects passwords that take too long to hash."""

    def validate(self, password: str, _user: AbstractBaseUser | None = None) -> None:
        """Check the length of a password.

        Raises:
            ValidationError: The password is too long.
        """
        if len(password) > MAX_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """Return the description of the rule."""
        return f"Your password can have at most {MAX_LENGTH} characters."
