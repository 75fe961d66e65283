"""A service that this program has created: its folder, its answers and its template's version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.answers import cast_answer
from new_backend.answers_file import read_record
from new_backend.errors import InputRefusedError
from new_backend.layers import ANSWERS_FILE
from new_backend.template_source import TEMPLATE_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from new_backend.history import History
    from new_backend.questions import Questionnaire, Value


@dataclass(frozen=True)
class Service:
    """A created service. `version` is the version of its template, or empty if none is recorded."""

    folder: Path
    answers: Mapping[str, object]
    version: str

    @classmethod
    def at(cls, path: Path) -> Service:
        """Return the service in a folder, or in the closest one above it.

        Raises:
            InputRefusedError: There is none, or it is another template's.
        """
        folder = Path.cwd() / path
        for each in (folder, *folder.parents):
            if (each / ANSWERS_FILE).is_file():
                return cls._read(each)
        message = f"{folder} is not a service of new-backend: it has no {ANSWERS_FILE}"
        raise InputRefusedError(message)

    @classmethod
    def _read(cls, folder: Path) -> Service:
        recorded = read_record(str(folder / ANSWERS_FILE))
        address = recorded.pop("_src_path", None)
        version = recorded.pop("_commit", None) or ""
        if address != TEMPLATE_ADDRESS:
            message = f"{folder} was created from another template: {address}"
            raise InputRefusedError(message)
        return cls(folder, recorded, str(version))

    def recorded(self, questionnaire: Questionnaire) -> dict[str, Value]:
        """Return the answers, each in the type of its question.

        Raises:
            InputRefusedError: One has another type, or the template does not ask for it.
        """
        answers: dict[str, Value] = {}
        problems = []
        for name, raw in self.answers.items():
            try:
                answers[name] = cast_answer(questionnaire, name, raw)
            except ValueError as error:
                problems.append(f"{ANSWERS_FILE}: {error}")
        if problems:
            raise InputRefusedError(*problems)
        return answers

    def template(self, history: History) -> Questionnaire:
        """Return the questions of the template in the service's version.

        Raises:
            InputRefusedError: The service records none, or this program does not have it.
        """
        if not self.version:
            message = f"{ANSWERS_FILE} records no version of the template"
            hint = "An unreleased version created the service. Only a release can change it."
            raise InputRefusedError(message, hint=hint)
        return history.questionnaire(self.version)
