"""What a template says about its services: `template/verify.yml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from new_backend.errors import TemplateError
from new_backend.template_source import TEMPLATE_FOLDER
from new_backend.verify.databases import Server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from new_backend.questions import Questionnaire, Value

FILE = f"{TEMPLATE_FOLDER}/verify.yml"
_KEYS = ("schemas", "servers", "database", "schema", "migrations", "mypy")
_OF_SERVER = ("name", "variable", "address", "start")
_OF_COMPARISON = ("file", "python", "environment")


@dataclass(frozen=True)
class Comparison:
    """A comparison of migrations with models, for the services that have a file."""

    name: str
    file: str
    """A pattern of paths."""
    python: Sequence[str]
    """The arguments of Python."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables, whose values may contain answers, such as `{package}`."""

    def is_for(self, tree: Path) -> bool:
        """Whether a service is compared so."""
        return any(tree.glob(self.file))


@dataclass(frozen=True)
class Facts:
    """The data of a template. A template without the file has none."""

    schemas: Mapping[str, str] = field(default_factory=dict)
    """The schemas of check-jsonschema, by patterns of paths."""
    servers: Mapping[tuple[str, str], Server] = field(default_factory=dict)
    """The servers, by question and choice."""
    database: str = ""
    """The URL of a database without a server, in the file `{path}`."""
    schema: Sequence[str] = ()
    """The files that define the schema of a database, as patterns of paths."""
    comparisons: Sequence[Comparison] = ()
    mypy: Sequence[str] = ()
    """The files that mypy reads in addition to its settings, as patterns of paths."""

    @classmethod
    def read(cls, questionnaire: Questionnaire) -> Facts:
        """Read the file of a template.

        Raises:
            TemplateError: It cannot be read, or it has an unknown key or choice.
        """
        try:
            text = (questionnaire.source.root / FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls()
        try:
            data = yaml.safe_load(text)
            _refuse_unknown_keys("", data, _KEYS)
            return cls(
                schemas=dict(data.get("schemas", {})),
                servers={
                    _choice(questionnaire, key): _server(key, details)
                    for key, details in data.get("servers", {}).items()
                },
                database=data.get("database", ""),
                schema=tuple(data.get("schema", ())),
                comparisons=tuple(
                    _comparison(name, details)
                    for name, details in data.get("migrations", {}).items()
                ),
                mypy=tuple(data.get("mypy", ())),
            )
        except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"{FILE} cannot be read: {' '.join(str(error).split())}"
            raise TemplateError(message) from error

    def servers_of(self, answers: Mapping[str, Value]) -> list[Server]:
        """Return the servers that a service with these answers needs."""
        return [
            server
            for (question, choice), server in self.servers.items()
            if answers.get(question) == choice
        ]


def _server(key: str, details: Mapping[str, Any]) -> Server:
    _refuse_unknown_keys(f"servers: {key}", details, _OF_SERVER)
    return Server(
        name=details["name"],
        variable=details["variable"],
        default=details["address"],
        command=details["start"],
    )


def _comparison(name: str, details: Mapping[str, Any]) -> Comparison:
    _refuse_unknown_keys(f"migrations: {name}", details, _OF_COMPARISON)
    return Comparison(
        name=name,
        file=details["file"],
        python=tuple(details["python"]),
        environment=dict(details.get("environment", {})),
    )


def _choice(questionnaire: Questionnaire, key: str) -> tuple[str, str]:
    name, _, value = key.partition("=")
    question = questionnaire.by_name.get(name)
    if question is None or value not in [choice.value for choice in question.choices]:
        message = f"{FILE}: servers: {key} is not a choice of a question"
        raise TemplateError(message)
    return name, value


def _refuse_unknown_keys(place: str, data: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in data:
        if key not in known:
            where = f"{FILE}: {place}" if place else FILE
            message = f'{where} has the unknown key "{key}". Use {", ".join(known)}'
            raise TemplateError(message)
