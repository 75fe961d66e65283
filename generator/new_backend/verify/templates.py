"""The template that `--template` names: a folder, or a git URL that is cloned for the run."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from new_backend.errors import InputRefusedError
from new_backend.template_source import CONFIG_NAME, TemplateSource

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def opened(named: str | None, bundled: TemplateSource) -> Iterator[TemplateSource]:
    """Yield the template with this name, or the one in this program's distribution.

    Raises:
        InputRefusedError: There is none.
    """
    if named is None:
        yield bundled
    elif named and Path(named).is_dir():
        yield _checked(named, Path(named).resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="new-backend-template-") as folder:
            clone = ["git", "clone", "--quiet", "--depth", "1", "--", named, folder]
            done = subprocess.run(clone, capture_output=True, text=True, check=False)
            if done.returncode:
                said = " ".join(done.stderr.split())
                message = f'--template: "{named}" is not a folder and cannot be cloned: {said}'
                raise InputRefusedError(message)
            yield _checked(named, Path(folder))


def _checked(named: str, root: Path) -> TemplateSource:
    if not (root / CONFIG_NAME).is_file():
        message = f"--template {named}: there is no {CONFIG_NAME} in it"
        raise InputRefusedError(message)
    return TemplateSource(root)
