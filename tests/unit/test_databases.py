"""The relay before a database of the tests."""

from __future__ import annotations

import pytest

from tests.harness.databases import Gate
from tests.harness.services import free_port


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
def test_gate_has_its_own_address(scheme: str) -> None:
    gate = Gate(f"{scheme}://someone@127.0.0.1:{free_port()}/none")
    url = gate.url("shop")
    gate.close()

    assert url.startswith(f"{scheme}://someone@127.0.0.1:")
    assert url.endswith("/shop")
