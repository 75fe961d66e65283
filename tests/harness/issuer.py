"""The issuer of services with `auth=oidc`: the one from their own tests, over real HTTP."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2

SOURCE = Path(__file__).parents[2] / "template/layers/{{auth_oidc}}/tests/fixtures/issuer.py"


@cache
def _module() -> Any:
    spec = importlib.util.spec_from_file_location("loopback_issuer", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def new_issuer() -> Any:
    """Return a separate issuer, which responds inside a `with` block."""
    return _module().LoopbackIssuer()


@cache
def shared_issuer() -> Any:
    """Return the issuer of this process, whose threads end with the process."""
    return new_issuer().__enter__()


def issuer_settings(issuer: Any) -> dict[str, str]:
    """Return the settings of a service that trusts this issuer."""
    return {
        "OIDC_ISSUER": issuer.url,
        "OIDC_CLIENT_ID": _module().CLIENT_ID,
        "OIDC_CLIENT_SECRET": _module().CLIENT_SECRET,
    }


def settings_of(auth: str) -> dict[str, str]:
    """Return the settings that this kind of auth requires in production."""
    return issuer_settings(shared_issuer()) if auth == "oidc" else {}


def let_in(location: str, **query: str) -> httpx2.URL:
    """Authenticate at the issuer as a browser does, and return the URL of its redirect.

    With `login`, an address, the user is the one at this address. Otherwise it is the issuer's
    configured user.
    """
    answer = httpx2.get(f"{location}&{urlencode(query)}", trust_env=False)
    assert answer.status_code == httpx2.codes.FOUND, answer.text
    return httpx2.URL(answer.headers["location"])
