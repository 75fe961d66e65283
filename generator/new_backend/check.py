"""`new-backend check`: how far services are from the template that created them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.answers import Answer, Given, Source, settle
from new_backend.errors import InputRefusedError, NewBackendError
from new_backend.layers import ANSWERS_FILE, service_files
from new_backend.rendering import broken_template_reported
from new_backend.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from new_backend.history import History
    from new_backend.questions import Questionnaire, Value


@dataclass(frozen=True)
class Checked:
    """The state of a service."""

    folder: Path
    version: str = ""
    newest: str = ""
    """The newest release, if the service has an older one."""
    answers: Mapping[str, Value] | None = None
    problems: Sequence[str] = ()
    """Answers that the template does not allow, and why a service cannot be read."""
    drift: Sequence[str] = ()
    """The files that the service changed or deleted, although it is not meant to."""

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.newest or self.problems or self.drift)


def check(history: History, folder: Path) -> Checked:
    """Check a service against its own version of the template, and against the newest release.

    A service that cannot be read has a problem, so that others can be checked.
    """
    try:
        return _check(history, Service.at(folder))
    except NewBackendError as error:
        return Checked(Path.cwd() / folder, problems=error.messages)
    except OSError as error:
        return Checked(Path.cwd() / folder, problems=[f"{error.filename}: {error.strerror}"])


def _check(history: History, service: Service) -> Checked:
    newest = history.newer_than(service.version)
    try:
        questionnaire = service.template(history)
        answers = service.recorded(questionnaire)
        given = {
            name: Answer(value, Source.FILE, f"{ANSWERS_FILE}: {name}")
            for name, value in answers.items()
        }
        settle(questionnaire, Given(given, {}))
    except InputRefusedError as error:
        return Checked(service.folder, service.version, newest, problems=error.messages)
    with broken_template_reported():
        drift = list(_drift(service, questionnaire, answers))
    return Checked(service.folder, service.version, newest, answers, drift=drift)


def _drift(
    service: Service, questionnaire: Questionnaire, answers: Mapping[str, Value]
) -> Iterator[str]:
    for file in service_files(questionnaire, answers, questionnaire.is_owned):
        path = service.folder / file.path
        if not path.is_file():
            yield f"{file.path} (deleted)"
        elif path.read_bytes().replace(b"\r\n", b"\n") != file.content:
            yield file.path
