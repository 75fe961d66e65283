"""The issuer that services with `auth=oauth2` trust: that of their own tests, over real HTTP."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2

SOURCE = Path(__file__).parents[2] / "template/layers/{{oidc}}/tests/fixtures/issuer.py"


@cache
def _module() -> Any:
    spec = importlib.util.spec_from_file_location("loopback_issuer", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def new_issuer() -> Any:
    """Return an issuer of one's own, which answers while it is entered."""
    return _module().LoopbackIssuer()


@cache
def shared_issuer() -> Any:
    """Return the issuer of this process, whose threads end with it."""
    return new_issuer().__enter__()


def issuer_settings(issuer: Any) -> dict[str, str]:
    """Return the settings of a service that trusts this issuer."""
    return {
        "OIDC_ISSUER": issuer.url,
        "OIDC_CLIENT_ID": _module().CLIENT_ID,
        "OIDC_CLIENT_SECRET": _module().CLIENT_SECRET,
    }


def settings_of(auth: str) -> dict[str, str]:
    """Return what this kind of auth has to be told in production."""
    return issuer_settings(shared_issuer()) if auth == "oauth2" else {}


def let_in(location: str, **query: str) -> httpx2.URL:
    """Prove at the issuer who it is, as a browser does; return the address that it is sent to.

    With `login`, an address, it is the person who has it; otherwise whom the issuer was told.
    """
    answer = httpx2.get(f"{location}&{urlencode(query)}", trust_env=False)
    assert answer.status_code == httpx2.codes.FOUND, answer.text
    return httpx2.URL(answer.headers["location"])
