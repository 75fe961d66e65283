"""A service that this program has created: its folder, its answers and its template's version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend import __version__
from new_backend.answers_file import read_record
from new_backend.errors import InputRefusedError
from new_backend.layers import ANSWERS_FILE
from new_backend.template_source import TEMPLATE_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from new_backend.template_source import TemplateSource

_RELEASE = re.compile(r"v(\d+\.\d+\.\d+)")


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
        version = recorded.pop("_commit", "")
        if address != TEMPLATE_ADDRESS:
            message = f"{folder} was created from another template: {address}"
            raise InputRefusedError(message)
        return cls(folder, recorded, str(version))

    def require_version(self, source: TemplateSource) -> None:
        """Check that the service has the version of this program's template.

        Raises:
            InputRefusedError: It has another one, or none is recorded.
        """
        if not self.version:
            message = f"{ANSWERS_FILE} records no version of the template"
            hint = "An unreleased version created the service. Only a release can change it."
            raise InputRefusedError(message, hint=hint)
        if self.version != source.version:
            ours = source.version or __version__
            message = f"the service has version {self.version} of the template, and this is {ours}"
            release = _RELEASE.fullmatch(self.version)
            hint = f"Use that version: uvx new-backend@{release[1]} add …" if release else ""
            raise InputRefusedError(message, hint=hint)
