"""Bodies of unknown length."""

from collections.abc import AsyncIterator

import pytest

from tests.fixtures.client import Client

PART = 64 * 1024
LIMIT = 16


@pytest.mark.parametrize(("parts", "refused"), [(LIMIT, False), (LIMIT + 1, True)])
async def test_limits_body_of_unknown_length(client: Client, parts: int, *, refused: bool) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(parts):
            yield b"x" * PART

    response = await client.post("/api/v1/items", content=body())

    assert (response.status_code == 413) == refused


async def test_stops_reading_at_limit(client: Client) -> None:
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 10 * LIMIT:
            taken += 1
            yield b"x" * PART

    response = await client.post("/api/v1/items", content=body())

    assert response.status_code == 413
    assert taken == LIMIT + 1
