"""Migrations that a service gets: they follow the newest ones of its own."""

from __future__ import annotations

import ast
import re
from itertools import chain
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from new_backend.errors import InputRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ALEMBIC = "**/migrations/versions/*.py"
_DJANGO = re.compile(r"(.*/)?(?P<app>[^/]+)/migrations/(?P<number>\d{4})_(?P<name>\w+)\.py")
_DOWN_REVISION = re.compile(r"^down_revision = .*$", re.MULTILINE)


def append(
    service: Mapping[str, bytes], old: Mapping[str, bytes], new: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Return the new files, with their added migrations after those of the service.

    Args:
        service: The files of the service, by path.
        old: The files that the template gave it.
        new: The files that the template gives it now.

    Raises:
        InputRefusedError: Migrations would disappear, or those of the service have two heads.
    """
    if gone := [path for path in old if _is_migration(path) and path not in new]:
        message = (
            f"its tables would be removed, which needs a migration of yours: {', '.join(gone)}"
        )
        raise InputRefusedError(message)
    return _append_to_django(service, old, _append_to_alembic(service, old, dict(new)))


def _parsed(path: str, content: bytes) -> ast.Module:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError) as error:
        message = f"{path} cannot be read as Python: {error}"
        raise InputRefusedError(message) from error


def _is_migration(path: str) -> bool:
    return bool(_DJANGO.fullmatch(path)) or _is_alembic(path)


# ---------------------------------------------------------------- Alembic


def _is_alembic(path: str) -> bool:
    return PurePosixPath(path).match(_ALEMBIC)


def _append_to_alembic(
    service: Mapping[str, bytes], old: Mapping[str, bytes], new: dict[str, bytes]
) -> dict[str, bytes]:
    known = _revisions(old)
    theirs = _revisions(service)
    heads = sorted(theirs.keys() - set(chain.from_iterable(theirs.values())))
    for path, content in new.items():
        if path in old or not _is_alembic(path):
            continue
        text = content.decode()
        before = _constants(ast.parse(text)).get("down_revision")
        if before in known:
            if len(heads) != 1:
                message = f"the migrations have {len(heads)} heads: {', '.join(heads)}"
                raise InputRefusedError(message, hint="Merge them first: alembic merge heads")
            line = f'down_revision = "{heads[0]}"'
            new[path] = _DOWN_REVISION.sub(line, text, count=1).encode()
    return new


def _revisions(files: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
    """Return the revisions before each revision: none of the first, several of a merge."""
    found = {}
    for path, content in files.items():
        if _is_alembic(path):
            constants = _constants(_parsed(path, content))
            before = constants.get("down_revision") or ()
            found[str(constants.get("revision"))] = (
                (before,) if isinstance(before, str) else tuple(before)
            )
    return found


def _constants(module: ast.Module) -> dict[str, Any]:
    """Return the constants that a module assigns."""
    found: dict[str, Any] = {}
    for node in module.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and value is not None:
            try:
                found[target.id] = ast.literal_eval(value)
            except ValueError:
                continue
    return found


# ---------------------------------------------------------------- Django


def _append_to_django(
    service: Mapping[str, bytes], old: Mapping[str, bytes], new: dict[str, bytes]
) -> dict[str, bytes]:
    theirs, renamed = _leaves(service), dict[str, str]()
    known = _leaves(old)
    for path in sorted(new):
        found = _DJANGO.fullmatch(path)
        if found is None or path in old or found["app"] not in known:
            continue
        app = found["app"]
        leaves = theirs.get(app, [])
        if len(leaves) != 1:
            message = f"the migrations of {app} have {len(leaves)} leaves: {', '.join(leaves)}"
            hint = "Merge them first: makemigrations --merge"
            raise InputRefusedError(message, hint=hint)
        (before,), (leaf,) = known[app], leaves
        if before == leaf:
            continue
        name = f"{found['number']}_{found['name']}"
        following = f"{int(leaf[:4]) + 1:04}_{found['name']}"
        text = new.pop(path).decode()
        text = text.replace(f'("{app}", "{before}")', f'("{app}", "{leaf}")')
        new[path.replace(f"{name}.py", f"{following}.py")] = text.encode()
        renamed[f'("{app}", "{name}")'] = f'("{app}", "{following}")'
        known[app], theirs[app] = [name], [following]
    for path in [each for each in new if each not in old and _DJANGO.fullmatch(each)]:
        text = new[path].decode()
        for dependency, following in renamed.items():
            text = text.replace(dependency, following)
        new[path] = text.encode()
    return new


def _leaves(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Return the migrations of each application that no other one of it follows."""
    names: dict[str, set[str]] = {}
    followed: dict[str, set[str]] = {}
    for path, content in files.items():
        if found := _DJANGO.fullmatch(path):
            names.setdefault(found["app"], set()).add(f"{found['number']}_{found['name']}")
            for app, name in _pairs(_parsed(path, content)):
                if app == found["app"]:
                    followed.setdefault(app, set()).add(name)
    return {app: sorted(found - followed.get(app, set())) for app, found in names.items()}


def _pairs(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the dependencies of a migration: pairs of an application and a name."""
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "dependencies":
            for each in ast.walk(node.value):
                match each:
                    case ast.Tuple(elts=[ast.Constant(value=app), ast.Constant(value=name)]):
                        yield str(app), str(name)
