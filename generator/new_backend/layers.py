"""The layers of a template, and the files that they give a service, as Copier renders them."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from new_backend.errors import TemplateError
from new_backend.questions import OpenQuestion
from new_backend.template_source import TEMPLATE_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from new_backend.questions import Questionnaire, Value

ANSWERS_FILE = ".copier-answers.yml"
_SUFFIX = ".jinja"


@dataclass(frozen=True)
class ServiceFile:
    """A file of a service, with its path in the service's folder."""

    path: str
    content: bytes
    executable: bool


@dataclass(frozen=True)
class SourceFile:
    """A file before it is rendered."""

    content: bytes
    executable: bool


def service_files(
    questionnaire: Questionnaire,
    answers: Mapping[str, Value],
    wanted: Callable[[str], bool] = lambda _: True,
) -> Iterator[ServiceFile]:
    """Render the files of the service with these answers, or those whose path is wanted.

    Raises:
        jinja2.TemplateError: A file of the template is broken.
        TemplateError: The name of one is.
        UnicodeDecodeError: One is not UTF-8.
        OSError: One cannot be read.
    """
    context = _context(questionnaire, answers)
    for path, sources in _sources_by_path(questionnaire, context).items():
        if not wanted(path):
            continue
        name = f"{questionnaire.subdirectory}/{sources[-1]}"
        source = questionnaire.source.root / name
        if name.endswith(_SUFFIX):
            content = questionnaire.environment.get_template(name).render(context).encode()
        else:
            content = source.read_bytes()
        yield ServiceFile(path, content, os.access(source, os.X_OK))


def overlay_files(
    questionnaire: Questionnaire, answers: Mapping[str, Value], overlay: Mapping[str, SourceFile]
) -> Iterator[ServiceFile]:
    """Render files that are not the template's, each by its path in their folder.

    As in the layers, a path can have expressions, one with an empty part is left out, and only
    files with the suffix `.jinja` are rendered.

    Raises:
        jinja2.TemplateError: A file is broken.
        TemplateError: A path is broken, or leads out of the service.
        UnicodeDecodeError: A file with the suffix is not UTF-8.
    """
    # Without an overlay, the questions are not evaluated a second time.
    context = _context(questionnaire, answers) if overlay else {}
    for source, file in overlay.items():
        parts = [questionnaire.render(part, context) for part in source.split("/")]
        if not all(parts):
            continue
        path = "/".join(part for part in parts if part != ".").removesuffix(_SUFFIX)
        if not {"", "..", ".git"}.isdisjoint(path.split("/")) or path == ANSWERS_FILE:
            message = f"{source} of the preset cannot be the file {path} of a service"
            raise TemplateError(message)
        content = file.content
        if source.endswith(_SUFFIX):
            template = questionnaire.environment.from_string(content.decode())
            content = template.render(context).encode()
        yield ServiceFile(path, content, file.executable)


def sources_by_path(
    questionnaire: Questionnaire, answers: Mapping[str, Value]
) -> Mapping[str, list[str]]:
    """Return the paths that these answers render, each with its sources in the layers' folder.

    Raises:
        TemplateError: A part of a path is broken.
    """
    return _sources_by_path(questionnaire, _context(questionnaire, answers))


def _sources_by_path(
    questionnaire: Questionnaire, context: Mapping[str, Any]
) -> Mapping[str, list[str]]:
    rendered: dict[str, str] = {}
    given = defaultdict(list)
    for source in questionnaire.layer_files:
        parts = []
        for part in source:
            if part not in rendered:
                rendered[part] = questionnaire.render(part, context)
            parts.append(rendered[part])
            if not rendered[part]:  # Copier drops the part, and everything below it
                break
        else:
            path = "/".join(part for part in parts if part != ".").removesuffix(_SUFFIX)
            given[path].append("/".join(source))
    return given


def _context(questionnaire: Questionnaire, answers: Mapping[str, Value]) -> dict[str, Any]:
    """Return the names that a template can use: the answers, the computed values and Copier's."""
    version = questionnaire.source.version
    recorded: dict[str, Any] = {"_commit": version} if version else {}
    recorded["_src_path"] = TEMPLATE_ADDRESS
    context = questionnaire.context(answers)
    for question in questionnaire.visible:
        current = OpenQuestion(question, context, questionnaire)
        if current.applies and current.name in context:
            recorded[current.name] = context[current.name]
    return {
        **context,
        "_copier_answers": recorded,
        "_copier_conf": {"answers_file": ANSWERS_FILE},
    }
