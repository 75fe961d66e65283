"""Services rendered from this checkout's template."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.create import Request, create
from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from new_backend.answers import Answers, Given
    from new_backend.questions import Value

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder of `copier.yml`."""

TEMPLATE = CHECKOUT / "template"
LAYERS = TEMPLATE / "layers"


@cache
def _questionnaire() -> Questionnaire:
    return Questionnaire.read(TemplateSource(CHECKOUT))


class _NoUser:
    """A user who is never prompted."""

    can_answer = False

    def ask(
        self,
        questionnaire: Questionnaire,
        given: Given,
        refuse: Callable[[str, Value], str],
        answered: dict[str, Value],
    ) -> Answers:
        raise NotImplementedError

    def keeps(self, name: str) -> bool:
        raise NotImplementedError

    def announce(self, doing: str) -> None:
        """Print nothing."""


def render(answers: Mapping[str, str], folder: Path) -> Path:
    """Write a service into a new folder, as `new-backend create` does.

    Raises:
        NewBackendError: An answer is invalid, or the template cannot be rendered.
    """
    request = Request(destination=str(folder), flags=answers, yes=True, git=False, install=False)
    create(_questionnaire(), request, _NoUser())
    return folder


def render_once(answers: Mapping[str, str], shared: Path) -> Path:
    """Return a service that is rendered once for all workers, in a folder that they share.

    Two workers may render the same service at once. The first to finish provides the folder.
    """
    described = repr(sorted(answers.items()))
    folder = shared / hashlib.sha256(described.encode()).hexdigest()[:16] / "service"
    if not folder.exists():
        folder.parent.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent.parent) as own:
            rendered = render(answers, Path(own) / "made" / "service")
            with contextlib.suppress(OSError):
                rendered.parent.rename(folder.parent)
    return folder


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return a folder of the test run that all its workers share."""
    base = factory.getbasetemp()
    return (base.parent if base.name.startswith("popen-") else base) / name


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a rendered service by its path, with `/` between the parts."""
    return {
        each.relative_to(folder).as_posix(): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }
