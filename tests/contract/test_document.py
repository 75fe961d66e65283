"""One OpenAPI document: equal on all frameworks, and read by a public generator of clients."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from tests.harness.documents import summary_lines

if TYPE_CHECKING:
    from tests.harness.api import Api, Document
    from tests.harness.combinations import Combination
    from tests.harness.services import Server

EXPECTED = Path(__file__).with_name("documents")
"""For each kind of auth the document that every framework serves."""

GENERATOR = "openapi-python-client==0.29.1"
"""In an environment of its own: its versions of typer and httpx are not those of this suite."""

PROGRAM = Path(__file__).with_name("generated_client.py")


@pytest.mark.once_per("framework", "orm", "auth", "concurrency", "django_api")
class TestDocument:
    def test_document_is_the_same_on_every_framework(
        self, document: Document, combination: Combination
    ) -> None:
        expected = (EXPECTED / f"{combination.auth}.txt").read_text(encoding="utf-8")

        assert summary_lines(document.content) == expected.splitlines()

    def test_generated_client_manages_items(
        self, document: Document, server: Server, caller: Api, tmp_path: Path
    ) -> None:
        (tmp_path / "openapi.json").write_text(json.dumps(document.content), encoding="utf-8")
        generated = _run("openapi-python-client", "generate", "--path", "openapi.json",
                         "--output-path", "client", "--meta", "none", folder=tmp_path)  # fmt: skip
        assert "WARNING" not in generated

        credentials = json.dumps(caller.credentials)
        done = _run("python", str(PROGRAM), server.url, credentials, folder=tmp_path)

        assert json.loads(done) == {
            "created": "Tea",
            "listed": "ItemRead",
            "updated": "Coffee",
            "deleted": 204,
            "missing": "/problems/item-not-found",
        }


def _run(*command: str, folder: Path) -> str:
    done = subprocess.run(
        [find_uv_bin(), "run", "--no-project", "--quiet", "--with", GENERATOR, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
