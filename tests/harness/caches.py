"""The cache servers of the services under test."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

import pytest

from new_backend.questions import Questionnaire
from new_backend.template_source import TemplateSource
from new_backend.verify.databases import started
from new_backend.verify.facts import Facts
from tests.harness.rendering import CHECKOUT

if TYPE_CHECKING:
    from tests.harness.combinations import Combination


def settings_of_cache(combination: Combination) -> dict[str, str]:
    """Return the settings with which a service finds its cache."""
    return {} if combination.cache == "none" else {"CACHE_URL": address_of(combination.cache)}


@cache
def address_of(kind: str) -> str:
    """Return the address of a server, which is started if none runs, until the process ends."""
    server = Facts.read(Questionnaire.read(TemplateSource(CHECKOUT))).servers["cache", kind]
    if ExitStack().enter_context(started([server])):
        pytest.fail(server.missing, pytrace=False)
    return server.address
