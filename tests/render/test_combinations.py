"""The rules of `copier.yml`, held against the table of combinations that was written by hand."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.harness.combinations import VALID


def test_the_valid_combinations_are_those_of_the_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "new_backend", "combinations", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )

    found = {tuple(sorted(each.items())) for each in json.loads(done.stdout)}
    expected = {
        tuple(
            sorted(
                {
                    "framework": each.framework,
                    "orm": each.orm,
                    "database": each.database,
                    "auth": each.auth,
                    "concurrency": each.concurrency,
                }.items()
            )
        )
        for each in VALID
    }
    assert found == expected
