"""Small templates with the real questions, and helpers of the unit tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from new_backend.template_source import TemplateSource

CHECKOUT = Path(__file__).parents[2]
IDENTITY = "[user]\n\tname = Ada Example\n\temail = ada@example.org\n"

LAYERS = {
    "{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers | to_nice_yaml -}}\n",
    "{{common}}/pyproject.toml.jinja": (
        '[project]\nname = "{{ project_name }}"\nversion = "0.1.0"\n'
        "description = {{ description | to_json(ensure_ascii=false) }}\n"
        'requires-python = ">={{ python_version }}"\n'
        "dependencies = []\n\n[dependency-groups]\ndev = []\n"
    ),
    "{{common}}/README.md.jinja": "# {{ project_name }}\n\n{{ description }}\n",
    "{{common}}/.gitignore": ".venv/\n",
    "{{common}}/src/{{package}}/__init__.py": "",
    "{{common}}/src/{{package}}/app.py.jinja": "{{ async_ }}def app() -> None: ...\n",
    "{{auth_jwt}}/src/{{package}}/tokens.py": "",
}


@dataclass(frozen=True)
class Ended:
    """The outcome of a run of the command line."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


def copy_questions(root: Path) -> None:
    shutil.copy2(CHECKOUT / "copier.yml", root)
    shutil.copytree(CHECKOUT / "template" / "partials", root / "template" / "partials")
    shutil.copy2(CHECKOUT / "template" / "verify.yml", root / "template")


def write_layers(root: Path, layers: dict[str, str]) -> None:
    for name, text in layers.items():
        path = root / "template" / "layers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def program(source: TemplateSource, *words: str) -> list[str]:
    """Return the command that runs the command line in a separate process."""
    code = (
        "import sys; from pathlib import Path; from new_backend.cli import main; "
        "from new_backend.template_source import TemplateSource; "
        "main(sys.argv[2:], TemplateSource(Path(sys.argv[1])))"
    )
    return [sys.executable, "-c", code, str(source.root), *words]


def git(folder: Path, *words: str) -> str:
    """Run git and return its output."""
    return subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def left_in(folder: Path) -> list[str]:
    """Return the names of everything in a folder, including hidden files."""
    return sorted(os.listdir(folder))  # noqa: PTH208 - the names alone
