"""Bodies of unknown length."""

from io import BytesIO

import pytest

from tests.fixtures.client import App

LIMIT = 1024 * 1024


@pytest.mark.parametrize(("size", "refused"), [(LIMIT, False), (LIMIT + 1, True)])
def test_limits_body_of_unknown_length(app: App, size: int, *, refused: bool) -> None:
    response = app.test_client().post(
        "/api/v1/items",
        input_stream=BytesIO(b"x" * size),
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert (response.status_code == 413) == refused
