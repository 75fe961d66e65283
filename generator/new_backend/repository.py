"""The git repository of a service: what a change reads from it and merges into it."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from new_backend import interruption
from new_backend.errors import InputRefusedError
from new_backend.git import GitError, git
from new_backend.invocation import PROGRAM, undo
from new_backend.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_JOURNAL = "new-backend-change.json"
_UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
# The states of a file in `git status` after a merge that git could not complete.
_CONFLICTS = frozenset({"DD", "AU", "UD", "UA", "DU", "AA", "UU"})
# Each work tree has refs of its own below this name, so that two changes at a time are apart.
_REF = "refs/worktree/new-backend/"
_NAME, _EMAIL = PROGRAM, f"{PROGRAM}@localhost"
_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", _NAME), ("EMAIL", _EMAIL))
}
UNDONE = "refs/new-backend/undone"
"""The work tree before the last `abort`."""


@dataclass(frozen=True)
class Repository:
    """A git repository, and the service's folder in it (`.` for the root)."""

    root: Path
    prefix: str

    @classmethod
    def around(cls, folder: Path) -> Repository:
        """Return the repository that contains a folder.

        Raises:
            InputRefusedError: There is none, or git is not installed.
        """
        try:
            found = _text(git(folder, "rev-parse", "--show-toplevel"))
        except FileNotFoundError as error:
            message = "git is not installed"
            raise InputRefusedError(message) from error
        except GitError as error:
            if "not a git repository" not in str(error):  # such as one that another user owns
                raise
            message = f"{folder} is not in a git repository, so a change could not be undone"
            hint = "Create one: git init && git add --all && git commit"
            raise InputRefusedError(message, hint=hint) from error
        root = Path(found.rstrip("\n"))
        return cls(root, folder.resolve().relative_to(root.resolve()).as_posix())

    def require_clean(self) -> None:
        """Check that a merge cannot touch work that is not committed.

        Raises:
            InputRefusedError: There is such work, or no commit, or another merge is not finished.
        """
        try:
            self._head()
        except GitError as error:
            message = f"{self.root} has no commit yet"
            raise InputRefusedError(message, hint="Commit the service first.") from error
        for name in _UNFINISHED:
            if self._git_path(name).exists():
                message = f"{self.root} has an unfinished merge or rebase. Finish or abort it"
                raise InputRefusedError(message)
        if changed := self._lines("status", "--porcelain", "-z", "--untracked-files=normal"):
            hint = "Commit or stash first."
            if self._journal.exists():
                hint = f"Undo the last change: {undo('add')}"
            listed = ", ".join(line[3:] for line in changed[:3])
            more = f" and {len(changed) - 3} more" if changed[3:] else ""
            message = f"{self.root} has uncommitted changes: {listed}{more}"
            raise InputRefusedError(message, hint=hint)

    @property
    def state(self) -> str:
        """Whether the work tree is `clean`, `changed`, or has `conflicts`."""
        lines = self._lines("status", "--porcelain", "-z", "--untracked-files=normal")
        if any(line[:2] in _CONFLICTS for line in lines):
            return "conflicts"
        return "changed" if lines else "clean"

    def has_branch(self, name: str) -> bool:
        """Whether there is a branch of that name."""
        return bool(self._lines("for-each-ref", "--format=%(refname)%00", f"refs/heads/{name}"))

    def branch(self, name: str, commit: str) -> None:
        """Create a branch that begins with a commit."""
        self._run("branch", "--no-track", name, commit)

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """Check out the last commit to a temporary work tree. Yield the service's folder in it."""
        with temporary_folder() as place:
            root = place / self.root.name
            self._run("worktree", "prune")  # those of killed runs
            self._run("worktree", "add", "--quiet", "--detach", str(root), "HEAD")
            try:
                yield root / self.prefix
            finally:
                self._run("worktree", "remove", "--force", str(root))

    def commit(self, message: str) -> str:
        """Commit what is staged. Return the name of the commit.

        Raises:
            GitError: Git has no identity of a user.
        """
        words = ("--quiet", "--no-verify", "--no-gpg-sign", "--message", message)
        self._run("commit", *words)
        return self._head()

    def migrations(self) -> list[str]:
        """Return the tracked migrations of the service, as paths in its folder."""
        begin = "" if self.prefix == "." else f"{self.prefix}/"
        tracked = self._lines("ls-files", "-z", "--", f"{begin}**/migrations/**.py")
        return [path.removeprefix(begin) for path in tracked]

    def require_free(self, paths: Sequence[str]) -> None:
        """Check that no ignored file is where the service gets one.

        Raises:
            InputRefusedError: A path is taken.
        """
        tracked = set(self._lines("ls-tree", "-r", "-z", "--name-only", "HEAD"))
        for path in map(self._prefixed, paths):
            if path not in tracked and os.path.lexists(self.root / path):
                message = f"{path} is in the way: git ignores it, and the service gets such a file"
                raise InputRefusedError(message, hint="Move it away.")

    def merge(self, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Sequence[str]:
        """Merge the changes from `old` to `new`, files by path, into the work tree and the index.

        It writes no commit. The journal that it keeps lets `abort` undo it. Return the files with
        conflicts.

        Raises:
            GitError: Git failed. Nothing has changed.
        """
        added = [self._prefixed(path) for path in new if path not in old]
        with interruption.delayed(), self._stored(old, new), self._written_journal(added) as lock:
            try:
                self._run("cherry-pick", "--no-commit", "--allow-empty", _REF + "new", lock=lock)
            except GitError:
                if not (conflicts := self._conflicts()):
                    self._undo(added)
                    raise
                return conflicts
        return ()

    def difference(self, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str:
        """Return the changes from `old` to `new` as a diff."""
        with self._stored(old, new):
            return self._run("diff", "--no-color", "--no-ext-diff", _REF + "old", _REF + "new")

    def stage(self, path: str) -> None:
        """Add a file to the index."""
        self._run("add", "--", self._prefixed(path))

    def abort(self) -> Sequence[str]:
        """Undo the last merge, finished or killed. Return the files that were reset.

        Raises:
            InputRefusedError: There is none, or there are commits after it.
        """
        nothing = f"there is nothing to undo in {self.root}"
        try:
            file = self._journal.open(encoding="utf-8")
        except FileNotFoundError as error:
            raise InputRefusedError(nothing) from error
        with file:
            _wait_for(file)
            try:
                journal = json.load(file)
            except ValueError as error:  # killed while it was written, before the merge
                self._journal.unlink()
                raise InputRefusedError(nothing) from error
            if journal["head"] != self._head():
                message = "the last change was committed, or another commit was checked out"
                hint = "Undo it with git revert or git checkout."
                raise InputRefusedError(message, hint=hint)
            changed = self.changed()
            with interruption.delayed():
                self._keep()
                self._undo(journal["added"])
        return changed

    def _keep(self) -> None:
        """Store the work tree as the commit `UNDONE`: the user may have worked on it since."""
        index = {"GIT_INDEX_FILE": str(self._git_path("new-backend-index"))}
        self._run("read-tree", "HEAD", variables=index)
        self._run("add", "--all", variables=index)
        tree = self._run("write-tree", variables=index).strip()
        message = f"Undone by {PROGRAM}"
        words = ("commit-tree", "--no-gpg-sign", "-p", "HEAD", "-m", message, tree)
        self._run("update-ref", UNDONE, self._run(*words, variables=_IDENTITY).strip())
        Path(index["GIT_INDEX_FILE"]).unlink()

    def _undo(self, added: Sequence[str]) -> None:
        # A killed git leaves its lock, with which it refuses to run.
        with suppress(FileNotFoundError):
            self._git_path("index.lock").unlink()
        self._run("reset", "--quiet", "--hard", "HEAD")
        tracked = set(self._lines("ls-tree", "-r", "-z", "--name-only", "HEAD"))
        for path in added:
            if path not in tracked:
                self._remove(self.root / path)
        self._journal.unlink()

    @contextmanager
    def _stored(self, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[None]:
        """Write both trees as commits, the new one after the old one, with a ref for each."""
        try:
            self._store(old, new)
            yield
        finally:
            for name in ("old", "new"):
                with suppress(GitError):  # it was not stored
                    self._run("update-ref", "-d", _REF + name)

    def _store(self, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
        stream = [b"feature done\n"]
        for name, parent, files in (("old", "", old), ("new", f"from {_REF}old\n", new)):
            stream.append(f"commit {_REF}{name}\ncommitter {_NAME} <{_EMAIL}> 0 +0000\n".encode())
            stream.append(f"data {len(name)}\n{name}\n{parent}deleteall\n".encode())
            for path, content in files.items():
                stream.append(f"M 100644 inline {self._prefixed(path)}\n".encode())
                stream.append(b"data %d\n%b\n" % (len(content), content))
        stream.append(b"done\n")
        self._run("fast-import", "--quiet", "--force", "--done", given=b"".join(stream))

    def changed(self) -> list[str]:
        """Return the tracked files that differ from the last commit."""
        return self._lines("diff", "--name-only", "-z", "--no-renames", "HEAD")

    def _conflicts(self) -> list[str]:
        return self._lines("diff", "--name-only", "-z", "--diff-filter=U")

    @contextmanager
    def _written_journal(self, added: Sequence[str]) -> Iterator[int]:
        """Write the journal, and lock it for this process and the git that it starts."""
        journal = json.dumps({"head": self._head(), "added": added})
        with self._journal.open("w", encoding="utf-8") as file:
            _wait_for(file)
            file.write(journal)
            file.flush()
            os.fsync(file.fileno())
            yield file.fileno()

    def _remove(self, path: Path) -> None:
        with suppress(FileNotFoundError):
            path.unlink()
        for parent in path.parents:
            if parent == self.root:
                break
            try:
                parent.rmdir()
            except OSError:  # it has other files
                break

    @property
    def _journal(self) -> Path:
        return self._git_path(_JOURNAL)

    def _git_path(self, name: str) -> Path:
        return self._git_directory / name

    @cached_property
    def _git_directory(self) -> Path:
        """The directory of this work tree: each has its own index, and its own unfinished merge."""
        return Path(self._run("rev-parse", "--absolute-git-dir").rstrip("\n"))

    def _head(self) -> str:
        return self._run("rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip()

    def _prefixed(self, path: str) -> str:
        return path if self.prefix == "." else f"{self.prefix}/{path}"

    def _lines(self, *words: str) -> list[str]:
        return [line for line in self._run(*words).split("\0") if line]

    def _run(
        self,
        *words: str,
        given: bytes = b"",
        lock: int | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        return _text(git(self.root, *words, given=given, lock=lock, variables=variables))


def _wait_for(journal: TextIO) -> None:
    """Lock the journal: wait for a git that outlives its killed parent, which has the lock, too."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(journal, fcntl.LOCK_EX)


def _text(output: bytes) -> str:
    return output.decode("utf-8", errors="surrogateescape")
