"""The OWASP API Security Top 10 of 2023: each attack of the table, over a socket."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.harness.accounts import ASK_TO_LOG_IN, new_email
from tests.harness.fixtures import OPEN_ORIGIN, TRUSTED_PROXY
from tests.security.attacks import (
    ON_ACCOUNTS,
    ON_EVERY_SERVICE,
    ON_EVERY_STRING,
    ON_PASSWORDS,
)
from tests.security.configuration import EVIL, NONSENSE_OF_PROXIES
from tests.security.scene import ITEMS, USERS, Attack, Rivalry, Scene, SceneT, status_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.harness.accounts import Account
    from tests.harness.api import Api
    from tests.harness.services import Service


def rows(table: Iterable[Attack[SceneT]]) -> pytest.MarkDecorator:
    """Run a test once for each row."""
    return pytest.mark.parametrize("attack", [pytest.param(each, id=each.id) for each in table])


def launch(attack: Attack[SceneT], scene: SceneT) -> None:
    """Send an attack, and check that each response has an accepted status."""
    answered = False
    for answer in attack.send(scene):
        answered = True
        assert status_of(answer) in attack.accepted, answer
    assert answered


@rows(ON_EVERY_SERVICE)
def test_attack_on_any_service_fails(attack: Attack[Scene], scene: Scene) -> None:
    launch(attack, scene)


@rows(ON_EVERY_STRING)
def test_attack_through_text_fails(
    attack: Attack[Scene], scene: Scene, request: pytest.FixtureRequest
) -> None:
    if scene.auth != "none":
        admin: Account = request.getfixturevalue("admin")
        # A separate account from those that later tests log in with, because its password may
        # change.
        appointed: Account = request.getfixturevalue("account")
        answer = admin.api.patch(f"{USERS}/{appointed.id}", json={"role": "admin"})
        assert answer.status_code == 200
        scene = replace(scene, caller=appointed.api)
    launch(attack, scene)


@pytest.mark.accounts
@rows(ON_ACCOUNTS)
def test_attack_on_account_fails(attack: Attack[Rivalry], rivalry: Rivalry) -> None:
    launch(attack, rivalry)


@pytest.mark.auth(*ASK_TO_LOG_IN)
@rows(ON_PASSWORDS)
def test_attack_on_password_fails(attack: Attack[Rivalry], rivalry: Rivalry) -> None:
    launch(attack, rivalry)


@pytest.mark.parametrize(
    "origin",
    [
        f"https://{EVIL}",
        f"{OPEN_ORIGIN}.{EVIL}",
        f"{OPEN_ORIGIN}@{EVIL}",
        f"https://{EVIL}/{OPEN_ORIGIN}",
        OPEN_ORIGIN.replace(".", "x"),
        OPEN_ORIGIN.replace("https", "http"),
        OPEN_ORIGIN.replace("//", "//x."),
        f"{OPEN_ORIGIN}:8443",
        f"{OPEN_ORIGIN},https://{EVIL}",
        "null",
        "*",
    ],
)
def test_origin_that_resembles_listed_one_can_read_nothing(opened_api: Api, origin: str) -> None:
    preflight = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
    for answer in (
        opened_api.get("/health/live", headers={"Origin": origin}),
        opened_api.get("/nowhere", headers={"Origin": origin}),
        opened_api.options(ITEMS, headers=preflight),
    ):
        assert "access-control-allow-origin" not in answer.headers


def test_malformed_headers_of_trusted_proxy_do_not_cause_500(
    opened_api: Api, service: Service
) -> None:
    expected = (401, 400, 429) if service.has_accounts else (200, 400)
    for value in NONSENSE_OF_PROXIES:
        proxy = opened_api.again(peer=TRUSTED_PROXY)
        proxy.headers |= {"X-Forwarded-For": value, "X-Forwarded-Proto": value}

        assert proxy.get(ITEMS).status_code in expected
        if ask := ASK_TO_LOG_IN.get(service.combination.auth):
            answer = ask(proxy, new_email(), "a wrong password")
            assert answer.status_code in expected
