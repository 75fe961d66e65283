"""The issuer of services with `auth=oidc`: the one from their own tests, with TLS.

Production rejects an issuer without TLS, even on the loopback.
"""

from __future__ import annotations

import atexit
import importlib.util
import ssl
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from tests.harness.certificates import new_certificate

LAYER = Path(__file__).parents[2] / "template/layers/{{auth_oidc}}"


@cache
def _module() -> Any:
    _load("scripts.issuer", LAYER / "scripts/issuer.py")  # which the next one imports
    return _load("loopback_issuer", LAYER / "tests/fixtures/issuer.py")


def _load(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@cache
def _certificate() -> Path:
    folder = TemporaryDirectory(prefix="issuer-")
    atexit.register(folder.cleanup)
    return new_certificate(Path(folder.name))


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=_certificate())


def new_issuer() -> Any:
    """Return a separate issuer, which responds inside a `with` block."""
    issuer = _module().LoopbackIssuer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate())
    # The thread of a connection does its handshake: it would block the other connections.
    issuer.socket = context.wrap_socket(
        issuer.socket, server_side=True, do_handshake_on_connect=False
    )
    issuer.url = issuer.url.replace("http://", "https://")
    return issuer


@cache
def shared_issuer() -> Any:
    """Return the issuer of this process, whose threads end with the process."""
    return new_issuer().__enter__()


def issuer_settings(issuer: Any) -> dict[str, str]:
    """Return the settings of a service that trusts this issuer and its certificate."""
    return {**issuer.settings(), "SSL_CERT_FILE": str(_certificate())}


def settings_of(auth: str) -> dict[str, str]:
    """Return the settings that this kind of auth requires in production."""
    return issuer_settings(shared_issuer()) if auth == "oidc" else {}


def let_in(location: str, *, login: str = "") -> httpx2.URL:
    """Authenticate at the issuer as a browser does, and return the URL of its redirect.

    With `login`, an address, the user is the one at this address. Otherwise it is the issuer's
    configured user.
    """
    answer = httpx2.post(location, data={"email": login}, verify=_trust(), trust_env=False)
    assert answer.status_code == httpx2.codes.SEE_OTHER, answer.text
    return httpx2.URL(answer.headers["location"])
