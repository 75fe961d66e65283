"""Three releases of the template in a repository: the last one is this checkout with a new feature.

The older ones lack some of its improvements, so that an update has what real ones have: a new
version of a library, a new target of the Makefile, a renamed file, a new question, and a README
that was written differently.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from new_backend.questions import Questionnaire
from new_backend.rendering import render
from new_backend.template_source import TemplateSource
from tests.harness.toys import CHECKOUT, commit, copy_with_feature, git, released

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.combinations import Combination

FIRST, SECOND, THIRD = "v0.1.0", "v0.2.0", "v0.3.0"
CHANGES = {
    SECOND: "- `make audit` finds vulnerabilities.\n- `docs/recipes.md` is `docs/patterns.md`.",
    THIRD: "- The question `parrot`.\n- ruff 0.17.5.",
}
_COMMON = "template/layers/{{common}}"
_PATTERNS, _RECIPES = (f"{_COMMON}/docs/{name}.md.jinja" for name in ("patterns", "recipes"))
_AUDIT = re.compile(r"\naudit: .*\n\t.*\n")


def three_releases(root: Path) -> TemplateSource:
    """Create a repository with the tags v0.1.0, v0.2.0 and v0.3.0."""
    root.mkdir()
    third = root.parent / f"{root.name}-third"
    copy_with_feature(third)
    for version in (FIRST, SECOND, THIRD):
        for path in ("copier.yml", "template"):
            shutil.rmtree(root / path, ignore_errors=True)
        source = third if version == THIRD else CHECKOUT
        shutil.copytree(source / "template", root / "template")
        shutil.copy2(source / "copier.yml", root)
        if version != THIRD:
            _replace(
                root, "template/partials/dependencies.jinja", '"ruff": "0.17.5"', '"ruff": "0.17.4"'
            )
            _replace(root, f"{_COMMON}/README.md.jinja", "## Layout", "## Structure")
        if version == FIRST:
            _remove_audit(root)
            (root / _PATTERNS).rename(root / _RECIPES)
        (root / "CHANGELOG.md").write_text(_changelog(version))
        commit(root, version)
        git(root, "tag", version)
    shutil.rmtree(third)
    return TemplateSource(root)


def released_service(place: Path, combination: Combination) -> tuple[TemplateSource, Path]:
    """Release the template of this checkout, and create a service with it. Return both."""
    source = released(place / "template")
    folder = place / "service"
    render(Questionnaire.read(source), combination.answers(), folder)
    return source, folder


def _remove_audit(root: Path) -> None:
    makefile = root / _COMMON / "Makefile.jinja"
    text, removed = _AUDIT.subn("", makefile.read_text().replace(" audit ", " "))
    assert removed == 1
    makefile.write_text(text)


def _replace(root: Path, path: str, before: str, after: str) -> None:
    text = (root / path).read_text()
    assert before in text
    (root / path).write_text(text.replace(before, after))


def _changelog(until: str) -> str:
    sections = [
        f"## [{version.removeprefix('v')}] - 2027-01-0{number}\n\n### Added\n\n{text}\n"
        for number, (version, text) in enumerate(CHANGES.items(), start=2)
        if version <= until
    ]
    return "\n".join(["# Changelog\n", *reversed(sections), "## [0.1.0] - 2027-01-01\n"])
