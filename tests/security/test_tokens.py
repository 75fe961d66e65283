"""JSON Web Tokens: forged, altered, confused and misused ones (API2)."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import tokens
from tests.harness.accounts import PASSWORD, Account, log_in_with_jwt
from tests.harness.raw import send, written
from tests.security.scene import ITEMS, ME, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2

    from tests.harness.api import Api
    from tests.harness.fixtures import Settings

pytestmark = pytest.mark.auth("jwt")

DEEP = "[" * 5_000 + "]" * 5_000
ATTACKERS_KEY = "the attacker's own key, of more than thirty-two bytes"
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
-----END PUBLIC KEY-----
"""
ATTACKERS_JWK = {"kty": "oct", "k": "dGhlIGF0dGFja2VyJ3Mgb3duIGtleQ"}


@dataclass(frozen=True)
class Genuine:
    """A token of the service, and the key that signs it."""

    header: dict[str, Any]
    claims: dict[str, Any]
    key: str

    def altered(
        self, *, key: str | None = None, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """Return the token with changed headers, claims or signature."""
        return tokens.written(
            {**self.header, **(header or {})}, {**self.claims, **claims}, key or self.key
        )

    def rewritten(self, *, header: str | None = None, claims: str | None = None) -> str:
        """Return a token of this text, with a valid signature."""
        return tokens.signed(
            header or json.dumps(self.header), claims or json.dumps(self.claims), self.key
        )


@pytest.fixture
def genuine(lasting_account: Account, production: Settings) -> Genuine:
    """The claims of an account's token."""
    return Genuine(*tokens.read(lasting_account.tokens["access_token"]), production["SECRET_KEY"])


def _confused(it: Genuine, *, alg: str) -> str:
    header = json.dumps({**it.header, "alg": alg})
    return tokens.signed(header, json.dumps(it.claims), PUBLIC_KEY)


FORGED: dict[str, Callable[[Genuine], str]] = {
    **{
        f"alg-{alg}": partial(Genuine.altered, header={"alg": alg})
        for alg in ("none", "None", "NONE", "nOnE", "", "HS384", "HS512", "dir", "hs256")
    },
    **{
        f"alg-{alg}-under-a-public-key": partial(_confused, alg=alg)
        for alg in ("HS256", "RS256", "ES256", "PS256", "EdDSA")
    },
    "alg-missing": lambda it: it.rewritten(header='{"typ": "JWT"}'),
    "alg-list": lambda it: it.rewritten(header='{"alg": ["HS256", "none"]}'),
    "alg-null": lambda it: it.rewritten(header='{"alg": null}'),
    "alg-number": lambda it: it.rewritten(header='{"alg": 0}'),
    "alg-twice": lambda it: tokens.signed(
        '{"alg": "HS256", "alg": "none"}', json.dumps(it.claims), ATTACKERS_KEY
    ),
    "alg-none-with-a-signature": lambda it: it.rewritten(header='{"alg": "none"}'),
    "empty-key": lambda it: tokens.signed(json.dumps(it.header), json.dumps(it.claims), ""),
    "weak-key": lambda it: it.altered(key="secret"),
    "hash-of-the-key": lambda it: it.altered(key=hashlib.sha256(it.key.encode()).hexdigest()),
    "key-in-the-header": lambda it: it.altered(key=ATTACKERS_KEY, header={"jwk": ATTACKERS_JWK}),
    "key-at-an-address": lambda it: it.altered(
        key=ATTACKERS_KEY, header={"jku": "http://127.0.0.1:9/", "x5u": "http://127.0.0.1:9/"}
    ),
    **{
        f"key-named-{name}": partial(Genuine.altered, key=ATTACKERS_KEY, header={"kid": kid})
        for name, kid in (
            ("by-a-path", "../../../../dev/null"),
            ("by-SQL", "' UNION SELECT 'key' --"),
            ("by-a-command", "key|id"),
            ("by-NUL", "\0"),
        )
    },
    "unknown-critical-header": lambda it: it.altered(header={"crit": ["exp2"], "exp2": 1}),
    "unencoded-payload": lambda it: it.altered(header={"crit": ["b64"], "b64": False}),
    "iss-of-another": lambda it: it.altered(iss="https://evil.example"),
    "iss-of-a-list": lambda it: it.altered(iss=[it.claims["iss"]]),
    "aud-of-another": lambda it: it.altered(aud="another service"),
    "aud-of-a-prefix": lambda it: it.altered(aud=it.claims["aud"][:-1]),
    "aud-of-an-object": lambda it: it.altered(aud={it.claims["aud"]: True}),
    "empty-aud": lambda it: it.altered(aud=[]),
    "exp-over": lambda it: it.altered(exp=int(time.time()) - 15, iat=int(time.time()) - 915),
    "exp-text": lambda it: it.altered(exp="never"),
    "exp-null": lambda it: it.altered(exp=None),
    "exp-list": lambda it: it.altered(exp=[it.claims["exp"]]),
    "exp-infinite": lambda it: it.altered(exp=float("inf")),
    "exp-not-a-number": lambda it: it.altered(exp=float("nan")),
    "exp-overflowing": lambda it: it.rewritten(
        claims=json.dumps(it.claims).replace(str(it.claims["exp"]), "1e999")
    ),
    "exp-of-5,000-digits": lambda it: it.rewritten(
        claims=json.dumps(it.claims).replace(str(it.claims["exp"]), "9" * 5_000)
    ),
    "iat-infinite": lambda it: it.altered(iat=float("inf")),
    "nbf-to-come": lambda it: it.altered(nbf=int(time.time()) + 3600),
    "unknown-sub": lambda it: it.altered(sub=str(uuid.UUID(int=0))),
    "sub-of-a-list": lambda it: it.altered(sub=[it.claims["sub"]]),
    "sub-with-NUL": lambda it: it.altered(sub=f"{it.claims['sub']}\0"),
    "sub-with-a-lone-surrogate": lambda it: it.altered(sub="\ud800"),
    "sub-with-SQL": lambda it: it.altered(sub=f"{it.claims['sub']}' OR '1'='1"),
    "claims-list": lambda it: it.rewritten(claims="[]"),
    "claims-null": lambda it: it.rewritten(claims="null"),
    "claims-deep": lambda it: it.rewritten(claims=f'{{"sub": {DEEP}}}'),
    "claims-no-JSON": lambda it: it.rewritten(claims="{"),
    "header-list": lambda it: it.rewritten(header="[]"),
    "header-deep": lambda it: it.rewritten(header=f'{{"alg": "HS256", "x": {DEEP}}}'),
    "header-no-JSON": lambda it: it.rewritten(header="{"),
    "five-parts": lambda it: f"{it.altered()}.a.b",
    "two-tokens": lambda it: f"{it.altered()},{it.altered()}",
    "no-signature": lambda it: it.altered().rpartition(".")[0] + ".",
    "half-a-signature": lambda it: it.altered()[:-20],
    "large": lambda it: f"{it.altered()}{'x' * 100_000}",
}
"""Recipes that each make one thing wrong in an otherwise valid token."""


def own_account_with(api: Api, token: str) -> httpx2.Response:
    """Request the own account."""
    return api.get(ME, headers={"Authorization": f"Bearer {token}"})


def assert_refused(answer: httpx2.Response) -> None:
    """Check that a response is the contract's answer to an invalid token."""
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_accepts_the_token_that_forgeries_start_from(api: Api, genuine: Genuine) -> None:
    assert own_account_with(api, genuine.altered()).status_code == 200
    assert own_account_with(api, genuine.rewritten()).status_code == 200


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_rejects_forged_token(api: Api, genuine: Genuine, forge: Callable[[Genuine], str]) -> None:
    assert_refused(own_account_with(api, forge(genuine)))


@pytest.mark.parametrize(
    "claims", [{"role": "admin"}, {"is_active": True, "scope": "admin"}, {"roles": ["admin"]}]
)
def test_claimed_role_grants_no_rights(api: Api, genuine: Genuine, claims: dict[str, Any]) -> None:
    token = genuine.altered(**claims)

    answer = api.get("/api/v1/users", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403


def test_rejects_claims_under_signature_of_another_token(
    api: Api, account: Account, other_account: Account
) -> None:
    mine = account.tokens["access_token"].split(".")
    theirs = other_account.tokens["access_token"].split(".")

    for parts in ((mine[0], theirs[1], mine[2]), (theirs[0], theirs[1], mine[2])):
        assert_refused(own_account_with(api, ".".join(parts)))


def test_rejects_user_in_login_of_another_user(
    api: Api, genuine: Genuine, other_account: Account
) -> None:
    """The signature is valid, so that only the login does not match."""
    assert_refused(own_account_with(api, genuine.altered(sub=other_account.id)))


def test_rejects_refresh_token_as_access_token(api: Api, account: Account) -> None:
    for path in (ME, ITEMS):
        token = account.tokens["refresh_token"]
        assert_refused(api.get(path, headers={"Authorization": f"Bearer {token}"}))


def test_rejects_access_token_as_refresh_token(api: Api, account: Account) -> None:
    access = account.tokens["access_token"]
    for token in (access, access.split(".")[2], f"{account.tokens['refresh_token']}.{access}"):
        answer = api.post("/api/v1/auth/refresh", json={"refresh_token": token})
        assert answer.status_code == 401


def test_reuse_of_stolen_refresh_token_ends_its_family(api: Api, account: Account) -> None:
    """A later use, by the thief or by the owner, logs both out. Other logins continue."""
    _, elsewhere = log_in_with_jwt(api, account.email, PASSWORD)
    stolen = {"refresh_token": account.tokens["refresh_token"]}
    thief = api.post("/api/v1/auth/refresh", json=stolen).json()
    successor = {"refresh_token": thief["refresh_token"]}
    thief = api.post("/api/v1/auth/refresh", json=successor).json()

    assert api.post("/api/v1/auth/refresh", json=stolen).status_code == 401

    assert_refused(own_account_with(api, thief["access_token"]))
    spent = {"refresh_token": thief["refresh_token"]}
    assert api.post("/api/v1/auth/refresh", json=spent).status_code == 401
    assert own_account_with(api, elsewhere["access_token"]).status_code == 200


def test_rejects_token_after_logout(api: Api, account: Account) -> None:
    api.post("/api/v1/auth/logout", json={"refresh_token": account.tokens["refresh_token"]})

    assert_refused(account.api.get(ME))


@pytest.mark.parametrize(
    "place",
    ["query", "cookie", "X-Access-Token", "Proxy-Authorization", "X-Authorization", "X-API-Key"],
)
def test_rejects_token_in_other_places(api: Api, account: Account, place: str) -> None:
    token = account.tokens["access_token"]
    if place == "query":
        assert_refused(api.get(ME, params={"access_token": token, "token": token}))
    elif place == "cookie":
        cookies = f"access_token={token}; __Host-session={token}; Authorization=Bearer {token}"
        assert_refused(api.get(ME, headers={"Cookie": cookies}))
    else:
        assert_refused(api.get(ME, headers={place: f"Bearer {token}"}))


def test_two_tokens_have_a_defined_outcome(
    scene: Scene, account: Account, other_account: Account
) -> None:
    """The first token counts, or neither does. A proxy may have checked only the first."""
    request = written(
        account.api, "GET", ME, f"Authorization: Bearer {other_account.tokens['access_token']}"
    )

    (answer,) = send(scene.server, request)

    assert answer.status in (200, 400, 401)
    if answer.status == 200:
        assert json.loads(answer.body)["id"] == account.id


@pytest.mark.parametrize("scheme", ["Basic", "Token", "JWT", "Bearer,", "Bearer Bearer", "Digest"])
def test_rejects_token_with_other_scheme(api: Api, account: Account, scheme: str) -> None:
    answer = api.get(ME, headers={"Authorization": f"{scheme} {account.tokens['access_token']}"})

    assert_refused(answer)
