"""The distributions work without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from new_backend import __version__
from new_backend.template_source import TEMPLATE_ADDRESS
from tests.harness.toys import CHECKOUT, git, left_in

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution and byte-compiled as pip does it."""
    folder = tmp_path_factory.mktemp("distribution")
    with tarfile.open(build(CHECKOUT, "sdist", folder / "sdist")) as archive:
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


def test_wheel_contains_only_package_and_template(installed: Path) -> None:
    tracked = git(CHECKOUT, "ls-files", "--cached", "--others", "--exclude-standard", "template")
    packed = installed / "new_backend" / "_template"

    assert {
        path.relative_to(packed).as_posix()
        for path in packed.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } == {*tracked.splitlines(), "copier.yml"}
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
