"""Schemathesis: requests generated from the service's own document, and checks of the
responses.

No response may be a 5xx, have an undocumented status or media type, or violate its schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.harness.accounts import LOG_IN, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemathesis import APIOperation, Case

    from tests.harness.accounts import Account
    from tests.harness.api import Api, Document
    from tests.harness.services import Server, Service

    Operation = APIOperation[Any, Any, Any, Any]

# The document depends on none of the ORM, the database and asyncio.
pytestmark = pytest.mark.once_per("framework", "django_api", "auth")

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 10
"""Requests for each operation, each generated both as valid and as invalid data."""


Credentials = dict[str, str]


@pytest.fixture
def complaints(
    document: Document, server: Server
) -> Iterator[Callable[[Callable[[], Credentials]], str]]:
    """Call every operation, and return how the responses differ from the document.

    Each call has its own credentials, because an operation may log out.
    """
    loaded = schemathesis.openapi.from_dict(document.content)
    operations = [each.ok() for each in loaded.get_all_operations() if isinstance(each, Ok)]
    assert len(operations) == sum(len(each) for each in document.content["paths"].values())
    with requests.Session() as connection:
        connection.trust_env = False

        def ask_for_all(log_in: Callable[[], Credentials]) -> str:
            return "\n\n".join(
                complaint
                for operation in operations
                for complaint in _complaints(operation, server, connection, log_in())
            )

        yield ask_for_all


def _complaints(
    operation: Operation, server: Server, connection: requests.Session, credentials: Credentials
) -> list[str]:
    found = []
    for mode in GenerationMode:

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case[Any]) -> None:
            response = case.call(server.url, connection, credentials, timeout=30)
            case.validate_response(response, checks=CHECKS)

        try:
            ask()
        except (Failure, FailureGroup) as failure:
            failures = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
            found += [f"{operation.label}, {mode.value} data: {each}" for each in failures]
        except Unsatisfiable:
            # Without parameters there is no invalid request to generate.
            if mode is not GenerationMode.NEGATIVE:
                raise
    return found


def test_anonymous_responses_match_document(
    complaints: Callable[[Callable[[], Credentials]], str],
) -> None:
    found = complaints(dict)

    assert not found, found


@pytest.mark.accounts
def test_responses_to_administrator_match_document(
    complaints: Callable[[Callable[[], Credentials]], str],
    admin: Account,
    api: Api,
    service: Service,
) -> None:
    def log_in() -> Credentials:
        caller, _ = LOG_IN[service.combination.auth](api, admin.email, PASSWORD)
        return caller.credentials

    found = complaints(log_in)

    assert not found, found
