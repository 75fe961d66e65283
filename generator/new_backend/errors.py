"""What can go wrong in a way that a person can do something about; caught once, in `cli.main`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class NewBackendError(Exception):
    """An expected failure: its messages say what is wrong and what would be right."""

    exit_code: ClassVar[int] = 1

    def __init__(self, *messages: str, hint: str = "") -> None:
        """Take one message for each thing that is wrong, and what to do about all of them."""
        super().__init__("\n".join(messages))
        self.messages: Sequence[str] = messages
        self.hint = hint


class InputRefusedError(NewBackendError):
    """A flag, an answer or an answers file that cannot be used."""

    exit_code = 2


class MissingAnswersError(InputRefusedError):
    """There is no terminal to ask on, and not everything was said."""


class TargetRefusedError(InputRefusedError):
    """The folder cannot take the project: something is in the way, or it cannot be written."""


class TemplateError(NewBackendError):
    """`copier.yml` or a file of the template is broken."""


class RenderingError(NewBackendError):
    """The project could not be written."""


class StoppedError(NewBackendError):
    """Interrupted after something was done that stays."""

    exit_code = 130
