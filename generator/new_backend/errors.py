"""Expected errors: the user can fix each of them. `cli.main` catches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class NewBackendError(Exception):
    """An expected error. Its messages say what is wrong and what is allowed."""

    exit_code = 1

    def __init__(self, *messages: str, hint: str = "") -> None:
        """Create an error.

        Args:
            messages: One message for each problem.
            hint: What to do about all of them.
        """
        super().__init__("\n".join(messages))
        self.messages: Sequence[str] = messages
        self.hint = hint


class InputRefusedError(NewBackendError):
    """A flag, an answer or an answers file that cannot be used."""

    exit_code = 2


class MissingAnswersError(InputRefusedError):
    """A question has no answer, and there is no terminal for a prompt."""


class TargetRefusedError(InputRefusedError):
    """The folder cannot hold the project: it is not empty or not writable."""


class TemplateError(NewBackendError):
    """`copier.yml` or a file of the template is broken."""


class RenderingError(NewBackendError):
    """The project could not be written."""


class StoppedError(NewBackendError):
    """The user or a signal stopped the work."""

    def __init__(self, *messages: str, hint: str = "", exit_code: int = 130) -> None:
        """Create an error with the exit code of its signal: 128 plus the signal's number."""
        super().__init__(*messages, hint=hint)
        self.exit_code = exit_code
