"""The databases of the tests: what is told where there is no server, and the gate before one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from new_backend.verify import databases
from tests.harness.databases import Gate, NoServerError, mysql_server, postgres_server
from tests.harness.services import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


@pytest.mark.parametrize(
    ("kind", "scheme", "server", "image"),
    [
        ("postgresql", "postgresql", postgres_server, "postgres"),
        ("mysql", "mariadb", mysql_server, "mariadb"),
    ],
)
def test_a_server_that_is_missing_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    scheme: str,
    server: Callable[[], AbstractContextManager[str]],
    image: str,
) -> None:
    monkeypatch.setenv("CI", "true")
    nowhere = f"{scheme}://nobody@127.0.0.1:{free_port()}/none"
    monkeypatch.setitem(databases.SERVERS, kind, nowhere)

    with pytest.raises(NoServerError) as refusal, server():
        pass

    (line,) = str(refusal.value).splitlines()
    assert "docker run" in line
    assert line.endswith(f" {image}")


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
def test_a_gate_has_an_address_of_its_own(scheme: str) -> None:
    gate = Gate(f"{scheme}://someone@127.0.0.1:{free_port()}/none")
    url = gate.url("shop")
    gate.close()

    assert url.startswith(f"{scheme}://someone@127.0.0.1:")
    assert url.endswith("/shop")
