"""Small templates with the real questions, and helpers of the unit tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


PARROT = """\
{# A feature that no shared file knows. #}
{% set libraries = [{"name": "parrot-client", "extra": "fast", "loaded": "loaded by name"}] %}
{% set secrets = [{"name": "PARROT_PASSWORD", "example": "change-me"}] %}
{% set settings = [
  {"name": "PARROT_URL", "default": "parrot://127.0.0.1", "what": "URL of the parrot"},
] %}
{% set settings_classes = [{"module": "parrot_settings", "class": "ParrotSettings"}] %}
{% set commands = [{"module": "parrot_cli", "names": ["parrot"]}] %}
{% set resources = [{"name": "parrot", "module": "parrot", "class": "Parrot"}] %}
{% set kinds = [{"kind": "no-parrot", "status": 503, "what": "the parrot is silent"}] %}
{% set compose_environment %}
    PARROT_URL: parrot://parrot
{% endset %}
{% set compose_services %}

  parrot:
    image: parrot:1
{% endset %}
{% set github_services %}
      parrot:
        image: parrot:1
{% endset %}
{% set github_environment %}
      PARROT_URL: parrot://127.0.0.1
{% endset %}
{% set gitlab_services %}
    - name: parrot:1
{% endset %}
{% set gitlab_variables %}
    PARROT_URL: parrot://parrot
{% endset %}
{% set make_targets = ["parrot"] %}
{% set make_rules %}

parrot: $(UV) ## Listen to the parrot
	$(LOCALLY) {{ project_name }} parrot
{% endset %}
{% set summary = ", with a parrot" %}
{% set layout %}
  parrot.py           the parrot
{% endset %}
{% set agents %}
- Never shout.
{% endset %}
{% set stored = [("parrot", "plain text", "a second")] %}
{% set configure = ["`PARROT_URL`: the URL of the parrot."] %}
{% set rotate = ["`PARROT_PASSWORD`: shout another one."] %}
"""
"""A feature that no shared file knows."""

PARROT_MODULE = '''\
"""The parrot, which answers at once."""

from typing import Self

from {{ package }}.settings import Settings


class Parrot:
    """The connection to the parrot."""

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Connect."""
        return cls()

    {{ async_ }}def ping(self) -> None:
        """Check that the parrot answers."""

    {{ async_ }}def close(self) -> None:
        """Disconnect."""


{{ async_ }}def ping() -> None:
    """Check that the parrot answers."""
'''


PARROT_SETTINGS = '''\
"""The settings of the parrot."""

from {{ package }}.environment import EnvironmentSettings


class ParrotSettings(EnvironmentSettings):
    """Where the parrot is."""

    parrot_url: str = "parrot://127.0.0.1"
'''


PARROT_CLI = '''\
"""The commands for the parrot."""
{% if framework_flask %}

import click
{% endif %}

from {{ package }}.settings import Settings


{% if framework_flask %}
@click.command()
{% endif %}
def parrot() -> None:
    """Print where the parrot is."""
    print(Settings.load().parrot_url)
'''
PARROT_COMMAND = '''\
"""Print where the parrot is."""

from typing import Any

from django.core.management.base import BaseCommand

from {{ package }}.config.settings import SERVICE


class Command(BaseCommand):
    """Print where the parrot is."""

    def handle(self, *_: Any, **__: Any) -> None:
        """Print it."""
        self.stdout.write(SERVICE.parrot_url)
'''


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


def copy_with_feature(root: Path, parrot: str = PARROT) -> TemplateSource:
    """Copy the template and add a feature: one file, one layer, its release, and its lines in
    `copier.yml`.
    """
    shutil.copytree(CHECKOUT / "template", root / "template")
    (root / "template/features/parrot_loud.jinja").write_text(parrot, encoding="utf-8")
    layer, package = "{{parrot_loud}}", "src/{{package}}"
    write_layers(
        root,
        {
            f"{layer}/{package}/parrot.py.jinja": PARROT_MODULE,
            f"{layer}/{package}/parrot_settings.py.jinja": PARROT_SETTINGS,
            f"{layer}/{{{{has_factory}}}}/{package}/parrot_cli.py.jinja": PARROT_CLI,
            f"{layer}/{{{{framework_django}}}}/{package}/management/commands/parrot.py.jinja": (
                PARROT_COMMAND
            ),
        },
    )
    table = root / "template/partials/dependencies.jinja"
    text = table.read_text(encoding="utf-8")
    table.write_text(
        text.replace(
            '  "fastapi": ',
            '  "parrot-client": "1.2.3",\n  "typing-extensions": "4.15.0",\n  "fastapi": ',
        )
    )
    config = (CHECKOUT / "copier.yml").read_text(encoding="utf-8")
    question = "parrot: { type: str, help: Parrot, default: none, choices: [none, loud] }\n"
    loud = "{{ '.' if parrot == 'loud' else '' }}"
    flag = f'parrot_loud: {{ type: str, when: false, default: "{loud}" }}\n'
    config = config.replace("# A feature has the name", f"{question}{flag}# A feature has the name")
    config = config.replace(
        "      'database_sqlite': database_sqlite,\n",
        "      'database_sqlite': database_sqlite,\n      'parrot_loud': parrot_loud,\n",
    )
    (root / "copier.yml").write_text(config, encoding="utf-8")
    return TemplateSource(root)


def copy_template(root: Path) -> None:
    """Copy the files of this checkout that a rendering needs, to a new folder."""
    root.mkdir()
    shutil.copy2(CHECKOUT / "copier.yml", root)
    shutil.copytree(CHECKOUT / "template", root / "template")


def released(root: Path) -> TemplateSource:
    """Copy the template of this checkout, as a release in a git repository."""
    copy_template(root)
    commit(root, "init")
    git(root, "tag", "v0.0.9")
    return TemplateSource(root)


def commit(folder: Path, message: str) -> None:
    """Commit all files of a folder, in a new repository or in its own."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    git(folder, *identity, "commit", "--quiet", "--message", message)


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
