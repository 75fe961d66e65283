"""`new-backend check`: how far services are from the template that created them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.answers import Answer, Given, Source, settle
from new_backend.errors import InputRefusedError, NewBackendError
from new_backend.history import is_older
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


def check(history: History, folders: Sequence[Path]) -> Iterator[Checked]:
    """Check services, each against its own version of the template and the newest release."""
    for folder in folders:
        try:
            yield _check(history, Service.at(folder))
        except NewBackendError as error:
            yield Checked(Path.cwd() / folder, problems=error.messages)
        except OSError as error:
            yield Checked(Path.cwd() / folder, problems=[f"{error.filename}: {error.strerror}"])


def _check(history: History, service: Service) -> Checked:
    newest = history.releases[-1] if history.releases else ""
    newest = newest if is_older(service.version, newest) else ""
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
