"""Each change by a user before `add` or `update` is there afterwards, or in a conflict."""

from __future__ import annotations

import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from new_backend import add, update
from new_backend.change import Absent, Mode
from new_backend.errors import InputRefusedError
from new_backend.rendering import render
from new_backend.repository import Repository
from tests.harness.releases import FIRST
from tests.harness.toys import commit, tree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from new_backend.history import History

FASTAPI = {"framework": "fastapi", "orm": "sqlalchemy"}
DJANGO = {"framework": "django", "orm": "django"}
PLAIN = {"database": "sqlite", "auth": "none", "concurrency": "sync", "cache": "none"}
BINARY = bytes(range(256))


@dataclass(frozen=True)
class Edit:
    """A change by the user to one of the files, which `place` selects."""

    kind: str
    place: int


EDITS = st.lists(
    st.builds(
        Edit,
        st.sampled_from(
            ["append", "insert", "replace", "delete", "rename", "create", "chmod", "binary", "crlf"]
        ),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=12,
)


@dataclass
class User:
    """What a user did: the lines that they wrote, and the files that they deleted or marked."""

    lines: set[bytes]
    deleted: set[str]
    executable: set[str]

    def edit(self, service: Path, edits: Sequence[Edit]) -> None:
        """Change files of a service."""
        for number, edit in enumerate(edits):
            paths = sorted(tree(service))
            path = paths[edit.place % len(paths)]
            if path != ".copier-answers.yml":
                self._edit(service / path, path, edit, number)

    def _edit(self, file: Path, path: str, edit: Edit, number: int) -> None:
        line = f"line {number} of the user".encode()
        lines = file.read_bytes().splitlines(keepends=True)
        at = edit.place % (len(lines) + 1)
        match edit.kind:
            case "append" | "insert":
                at = len(lines) if edit.kind == "append" else at
                before = lines[:at]
                if before and not before[-1].endswith(b"\n"):
                    before[-1] += b"\n"
                file.write_bytes(b"".join([*before, line, b"\n", *lines[at:]]))
                self.lines.add(line)
            case "replace":
                self._forget(b"".join(lines[at : at + 1]))
                file.write_bytes(b"".join([*lines[:at], line, b"\n", *lines[at + 1 :]]))
                self.lines.add(line)
            case "delete":
                self._forget(b"".join(lines))
                file.unlink()
                self.deleted.add(path)
                self.executable.discard(path)
            case "rename":
                file.rename(file.with_name(f"renamed_{number}_{file.name}"))
                self.executable.discard(path)
            case "create":
                created = file.with_name(f"created_{number}.txt")
                created.write_bytes(line + b"\n")
                self.lines.add(line)
            case "chmod":
                file.chmod(file.stat().st_mode | stat.S_IXUSR)
                self.executable.add(path)
            case "binary":
                file.with_name(f"binary_{number}.bin").write_bytes(BINARY + line)
                self.lines.add(line)
            case "crlf":
                file.write_bytes(file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def _forget(self, text: bytes) -> None:
        self.lines -= {line for line in self.lines if line in text}


@pytest.mark.parametrize(
    ("stack", "changes"),
    [
        (FASTAPI, ["auth=jwt", "cache=redis"]),
        (FASTAPI, ["concurrency=async"]),
        (FASTAPI, []),
        (DJANGO, ["auth=session", "cache=memcached"]),
        (DJANGO, []),
    ],
    ids=["accounts", "async", "update", "django", "update-django"],
)
@given(edits=EDITS)
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_everything_of_the_user_is_kept(
    history: History,
    tmp_path_factory: pytest.TempPathFactory,
    stack: dict[str, str],
    changes: list[str],
    edits: list[Edit],
) -> None:
    """Without changes of answers, the service follows the template from the first to the third
    release.
    """
    shop = tmp_path_factory.mktemp("work") / "shop"
    answers = {"project_name": "shop", **stack, **PLAIN}
    render(history.questionnaire(FIRST), answers, shop)
    user = User(set(), set(), set())
    user.edit(shop, edits)
    commit(shop, "Mine")
    before = tree(shop)

    try:
        if changes:
            done = add.add(history, add.Request(changes, shop, Mode()), Absent())
        else:
            done = update.update(history, update.Request(shop, Mode(yes=True)), Absent())
    except InputRefusedError as error:  # a migration that is broken or gone
        assert "migration" in str(error)  # noqa: PT017 - most examples raise nothing
        assert tree(shop) == before
        return

    after = tree(shop)
    everything = b"\n".join(after.values())
    assert {line for line in user.lines if line not in everything} == set()
    deleted = user.deleted - before.keys()
    assert {path for path in deleted if path in after} <= set(done.conflicts)
    for path in user.executable & after.keys():
        assert (shop / path).stat().st_mode & stat.S_IXUSR
    Repository.around(shop).abort()
    assert tree(shop) == before
    shutil.rmtree(shop.parent)
