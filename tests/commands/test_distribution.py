"""The distributions work without the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from new_backend import __version__
from new_backend.history import History
from new_backend.rendering import render
from new_backend.template_source import TEMPLATE_ADDRESS, TemplateSource
from tests.harness.releases import CHANGES, FIRST, SECOND, THIRD, three_releases
from tests.harness.toys import CHECKOUT, commit, git, left_in, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUILD = "import sys; from hatchling.cli import hatchling; sys.exit(hatchling())"


def build(project: Path, kind: str, place: Path) -> Path:
    """Build one distribution, without a network."""
    subprocess.run(
        [sys.executable, "-c", BUILD, "build", "-t", kind, "-d", str(place)],
        cwd=project,
        check=True,
        capture_output=True,
    )
    (built,) = place.iterdir()
    return built


def install(project: Path, folder: Path) -> Path:
    """Build a wheel from the source distribution, and byte-compile it as pip does it."""
    with tarfile.open(build(project, "sdist", folder / "sdist")) as archive:
        # Python has extraction filters from 3.11.4 on, and later versions warn without one.
        safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder / "source", **safely)  # noqa: S202 - built a line before
    (source,) = (folder / "source").iterdir()
    with zipfile.ZipFile(build(source, "wheel", folder / "wheel")) as wheel:
        wheel.extractall(folder / "site")  # noqa: S202 - built a line before
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPYCACHEPREFIX"}
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", str(folder / "site")],
        env=environment,
        check=True,
    )
    return folder / "site"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return install(CHECKOUT, tmp_path_factory.mktemp("distribution"))


def test_wheel_contains_only_package_and_template(installed: Path) -> None:
    tracked = git(CHECKOUT, "ls-files", "--cached", "--others", "--exclude-standard", "template")
    packed = installed / "new_backend" / "_template"

    assert {
        path.relative_to(packed).as_posix()
        for path in packed.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } - {"history.bundle"} == {*tracked.splitlines(), "copier.yml", "CHANGELOG.md"}
    assert left_in(installed) == ["new_backend", f"new_backend-{__version__}.dist-info"]


@pytest.fixture(params=["9.8.7", "9.8.7.dev0"])
def version(installed: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The version of the installed wheel: a release, and one in development."""
    module = installed / "new_backend" / "__init__.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(text.replace(__version__, request.param), encoding="utf-8")
    yield request.param
    module.write_text(text, encoding="utf-8")


def test_wheel_creates_service_without_trace_of_this_machine(
    installed: Path, version: str, workplace: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    words = ("create", "shop", "--yes", "--no-git", "--no-install")
    ended = subprocess.run(
        [sys.executable, "-m", "new_backend", *words],
        cwd=workplace,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )

    shop = workplace / "shop"
    assert list((installed / "new_backend" / "_template").rglob("__pycache__"))
    assert not list(shop.rglob("__pycache__"))
    assert not list(shop.rglob("*.pyc"))
    recorded = yaml.safe_load((shop / ".copier-answers.yml").read_text(encoding="utf-8"))
    released = ".dev" not in version
    assert recorded.get("_commit") == (f"v{version}" if released else None)
    replay = ended.stdout.splitlines()[-1].strip()
    assert replay.startswith(f"uvx new-backend@{version} create shop ") == released
    assert recorded["_src_path"] == TEMPLATE_ADDRESS


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> TemplateSource:
    """The repository with three releases, and the generator at the third one."""
    root = three_releases(tmp_path_factory.mktemp("third") / "repository").root
    without_cache = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "generator", root / "generator", ignore=without_cache)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy2(CHECKOUT / name, root)
    module = root / "generator/new_backend/__init__.py"
    module.write_text(module.read_text().replace(__version__, THIRD.removeprefix("v")))
    commit(root, "The generator")
    git(root, "tag", "--force", THIRD)
    return TemplateSource(root)


@pytest.fixture(scope="module")
def wheel(repository: TemplateSource) -> Path:
    """The installed wheel."""
    return install(repository.root, repository.root.parent)


@pytest.fixture
def offline(
    wheel: Path, workplace: Path, tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed program, whose connections fail."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import socket\n\n\ndef refuse(*_):\n    raise OSError('no network')\n\n\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{blocked}{os.pathsep}{wheel}",
        "GIT_ALLOW_PROTOCOL": "file",
    }

    def run_it(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "new_backend", *words],
            cwd=workplace,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run_it


def test_wheel_creates_changes_and_updates_services_offline(
    repository: TemplateSource,
    offline: Callable[..., subprocess.CompletedProcess[str]],
    workplace: Path,
) -> None:
    with History.of(repository) as history:
        render(history.questionnaire(FIRST), {"project_name": "shop"}, workplace / "shop")
    commit(workplace / "shop", "Create")
    updated = offline("update", "--service", "shop", "--yes", "--json")
    commit(workplace / "shop", "Update")
    added = offline("add", "--service", "shop", "cache=redis")
    answers = ("--answers", "shop/.copier-answers.yml")
    created = offline("create", "other", *answers, "--yes", "--no-install")

    assert (updated.returncode, added.returncode, created.returncode) == (0, 0, 0)
    assert json.loads(updated.stdout)["template"] == {"before": FIRST, "after": THIRD}
    assert CHANGES[SECOND] in json.loads(updated.stdout)["changelog"]
    shop, other = tree(workplace / "shop"), tree(workplace / "other")
    assert {**shop, "README.md": b""} == {**other, "README.md": b""}


def test_releases_are_in_the_wheel_without_the_generator(wheel: Path) -> None:
    bundle = wheel / "new_backend/_template/history.bundle"
    copy = wheel.parent / "copy.git"
    git(wheel, "clone", "--quiet", "--bare", str(bundle), str(copy))

    assert git(copy, "tag").split() == [FIRST, SECOND, THIRD]
    for tag in (FIRST, SECOND, THIRD):
        names = git(copy, "ls-tree", "--name-only", tag).split()
        assert names == ["CHANGELOG.md", "copier.yml", "template"]
