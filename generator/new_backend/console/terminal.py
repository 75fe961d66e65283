"""The user at the terminal: prompts and progress messages."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from new_backend.console.printing import rich_console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.status import Status

    from new_backend.answers import Answers, Given
    from new_backend.questions import OpenQuestion, Questionnaire, Value


class Terminal:
    """The standard streams as the user's terminal."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._status: Status | None = None

    @property
    def can_answer(self) -> bool:
        """Whether a user can answer a prompt: input and errors are terminals, and not in CI."""
        in_ci = os.environ.get("CI", "").lower() not in {"", "0", "false"}
        streams = (sys.stdin, sys.stderr)
        return not in_ci and all(each is not None and each.isatty() for each in streams)

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Show progress messages: a moving line on a terminal, otherwise a line each."""
        try:
            yield
        finally:
            self._stop()

    def announce(self, doing: str) -> None:
        """Show a progress message."""
        if not sys.stderr.isatty():
            print(f"{doing} …", file=sys.stderr)
            return
        from rich.markup import escape

        if self._status is None:
            self._status = rich_console(stderr=True).status(escape(doing))
            self._status.start()
        else:
            self._status.update(escape(doing))

    def count(self, done: str) -> None:
        """Show how much is done, if there is a line that can be replaced."""
        if sys.stderr.isatty():
            self.announce(done)

    def ask(
        self,
        questionnaire: Questionnaire,
        given: Given,
        refuse: Callable[[str, Value], str],
        answered: dict[str, Value],
    ) -> Answers:
        """Run the wizard."""
        from new_backend import wizard

        return wizard.ask(questionnaire, given, refuse, answered)

    def answer(self, current: OpenQuestion) -> Value:
        """Ask one question, until its answer is valid."""
        from new_backend import prompts

        self._stop()
        with prompts.without_echo():
            value: Value = prompts.answer(current)
            return value

    def keeps(self, name: str) -> bool:
        """Ask whether an existing file is kept."""
        from new_backend import prompts

        self._stop()
        return not prompts.confirm(f"{name} exists already. Replace it?")

    def confirms(self, question: str) -> bool:
        """Ask a yes-or-no question."""
        from new_backend import prompts

        self._stop()
        return prompts.confirm(question)

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
