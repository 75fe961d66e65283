"""Attacks of one account on another, and on administrators' rights (API1, 2, 3, 5 and 6)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.harness.accounts import ASK_TO_LOG_IN, PASSWORD, new_email
from tests.harness.api import new_peer
from tests.security.scene import (
    ITEMS,
    JSON,
    ME,
    NO_ID,
    REGISTER,
    USERS,
    Answer,
    Rivalry,
    Scene,
    ask_raw,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.api import Api

ANOTHER_PASSWORD = "another correct horse"  # noqa: S105 - of no real account
ATTEMPTS = 5

PUBLIC = {
    ("get", "/health/live"),
    ("get", "/health/ready"),
    ("get", "/openapi.json"),
    ("get", "/docs"),
    ("post", "/api/v1/auth/register"),
    ("post", "/api/v1/auth/token"),
    ("post", "/api/v1/auth/refresh"),
    ("post", "/api/v1/auth/logout"),
    ("post", "/api/v1/auth/login"),
    ("get", "/api/v1/auth/login"),
    ("get", "/api/v1/auth/callback"),
    ("get", "/api/v1/auth/csrf"),
}
"""The operations that the contract opens to anonymous clients. A logout without a session may
be rejected.
"""

FORGED_IDENTITIES = (
    "X-User-ID",
    "X-User",
    "X-Forwarded-User",
    "X-Authenticated-User",
    "X-Remote-User",
    "Remote-User",
    "X-Owner-ID",
    "X-Email",
)

RIGHTS = ("role", "is_active", "is_admin", "is_superuser", "is_staff")
SET_BY_THE_SERVICE = ("id", "owner_id", "created_at", "updated_at")
SPELLINGS = ("Owner_ID", "ownerId", "owner", "owner.id", "owner_id[]", "__proto__", "__class__")


def _unharmed(rivalry: Rivalry) -> None:
    found = rivalry.victim.api.get(rivalry.treasure_path)
    assert found.status_code == 200
    assert found.json() == rivalry.treasure


# ---------------------------------------------------------------- API1: objects


def item_by_id(rivalry: Rivalry) -> Iterator[Answer]:
    """Read, change and delete another user's item."""
    api = rivalry.attacker.api
    yield api.get(rivalry.treasure_path)
    yield api.patch(rivalry.treasure_path, json={})
    yield api.patch(rivalry.treasure_path, json={"title": "mine"})
    yield api.delete(rivalry.treasure_path)
    _unharmed(rivalry)


def item_by_id_in_another_spelling(rivalry: Rivalry) -> Iterator[Answer]:
    """Write the ID differently, to bypass a comparison of texts."""
    own = rivalry.treasure["id"]
    for spelt in (
        own.upper(),
        own.replace("-", ""),
        f"%7B{own}%7D",
        f"urn:uuid:{own}",
        f"{own}%00",
        f"{own}%20",
        f"{own};x=1",
        f"%{ord(own[0]):x}{own[1:]}",
        f"./{own}",
        f"{NO_ID}/../{own}",
        f"{own}.json",
    ):
        for method in ("GET", "DELETE"):
            yield ask_raw(rivalry, method, f"{ITEMS}/{spelt}")
    _unharmed(rivalry)


def item_by_guessing(rivalry: Rivalry) -> Iterator[Answer]:
    """Guess IDs: simple ones, and those of the same millisecond as an own ID."""
    api = rivalry.attacker.api
    mine = api.post(ITEMS, json={"title": "mine"}).json()
    theirs = rivalry.victim.api.post(ITEMS, json={"title": "theirs"}).json()
    number = uuid.UUID(mine["id"]).int
    near = [uuid.UUID(int=number + step) for step in range(-10, 11) if step]
    for guess in (*near, theirs["id"], uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)):
        yield api.get(f"{ITEMS}/{guess}")
    for guess in ("0", "1", "-1", "me", "*", "%25", "null", "all", "undefined"):
        yield api.get(f"{ITEMS}/{guess}")


def item_by_list(rivalry: Rivalry) -> Iterator[Answer]:
    """Query the list so that it might contain another user's items."""
    theirs = rivalry.victim.id
    queries: tuple[dict[str, Any], ...] = (
        {"limit": 100},
        {"after": rivalry.treasure["id"]},
        {"after": str(uuid.UUID(int=uuid.UUID(rivalry.treasure["id"]).int - 1))},
        {"after": str(uuid.UUID(int=0))},
        {"owner_id": theirs},
        {"owner": theirs, "user_id": theirs},
        {"owner_id[]": theirs, "filter[owner_id]": theirs, "owner_id__ne": NO_ID},
        {"limit": ["100", "1"]},
    )
    for query in queries:
        answer = rivalry.attacker.api.get(ITEMS, params=query)
        assert rivalry.treasure["id"] not in answer.text
        assert theirs not in answer.text
        yield answer


def item_by_another_method(rivalry: Rivalry) -> Iterator[Answer]:
    """Make the service take one method for another."""
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        yield rivalry.attacker.api.post(rivalry.treasure_path, headers={header: "DELETE"})
    yield rivalry.attacker.api.post(f"{rivalry.treasure_path}?_method=DELETE")
    yield rivalry.attacker.api.put(rivalry.treasure_path, json={"title": "mine"})
    _unharmed(rivalry)


def item_under_a_forged_identity(rivalry: Rivalry) -> Iterator[Answer]:
    """Claim another user's identity in a header."""
    for header in FORGED_IDENTITIES:
        for identity in (rivalry.victim.id, rivalry.victim.email):
            yield rivalry.attacker.api.get(rivalry.treasure_path, headers={header: identity})
    me = rivalry.attacker.api.get(ME, headers=dict.fromkeys(FORGED_IDENTITIES, rivalry.victim.id))
    assert me.json()["id"] == rivalry.attacker.id


# ---------------------------------------------------------------- API2: authentication


def every_operation_without_credentials(scene: Scene) -> Iterator[Answer]:
    """Call every documented operation without credentials."""
    yield from _closed_operations(scene, scene.stranger, {})


def every_operation_with_invented_credentials(scene: Scene) -> Iterator[Answer]:
    """Call every operation with made-up credentials."""
    for headers in (
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Authorization": "Bearer null"},
        {"Authorization": f"Bearer {NO_ID}"},
        {"X-API-Key": "admin.admin"},
        {"X-API-Key": "' OR '1'='1"},
        {"Cookie": f"__Host-session={NO_ID}; sessionid={NO_ID}; access_token={NO_ID}"},
        dict.fromkeys(FORGED_IDENTITIES, "admin"),
    ):
        yield from _closed_operations(scene, scene.stranger, headers)


def _closed_operations(scene: Scene, api: Api, headers: dict[str, str]) -> Iterator[Answer]:
    for path, operations in scene.document.content["paths"].items():
        for method in operations:
            if (method, path) not in PUBLIC:
                address = "/".join(NO_ID if "{" in part else part for part in path.split("/"))
                written = method in ("post", "patch", "put")
                yield api.request(
                    method.upper(),
                    address,
                    content="{}" if written else None,
                    headers={**headers, **JSON} if written else headers,
                )


def account_by_its_address(rivalry: Rivalry) -> Iterator[Answer]:
    """Register an address that is taken."""
    email = rivalry.victim.email
    name, _, host = email.partition("@")
    for spelt in (
        email,
        email.upper(),
        f" {email}",
        f"{email}\t",
        f"{name.title()}@{host.upper()}",
    ):
        yield rivalry.stranger.post(REGISTER, json={"email": spelt, "password": ANOTHER_PASSWORD})
    assert rivalry.victim.api.get(ME).json()["email"] == email


def account_by_a_stolen_login(rivalry: Rivalry) -> Iterator[Answer]:
    """Take over an account with a stolen login, without its password."""
    for change in (
        {"password": ANOTHER_PASSWORD},
        {"email": new_email()},
        {"password": ANOTHER_PASSWORD, "current_password": None},
        {"password": ANOTHER_PASSWORD, "current_password": ""},
        {"password": ANOTHER_PASSWORD, "current_password": True},
        {"password": ANOTHER_PASSWORD, "current_password": [PASSWORD]},
        {"password": ANOTHER_PASSWORD, "current_password": ANOTHER_PASSWORD},
    ):
        yield rivalry.victim.api.patch(ME, json=change)
    assert rivalry.victim.api.get(ME).json()["email"] == rivalry.victim.email


# ---------------------------------------------------------------- API3: properties


def rights_at_registration(rivalry: Rivalry) -> Iterator[Answer]:
    """Register with a role."""
    for field in (*RIGHTS, *SET_BY_THE_SERVICE, *SPELLINGS):
        value = "admin" if field == "role" else True
        body = {"email": new_email(), "password": PASSWORD, field: value}
        yield rivalry.stranger.post(REGISTER, json=body)


def rights_by_changing_the_own_account(rivalry: Rivalry) -> Iterator[Answer]:
    """Change the own role."""
    before = rivalry.attacker.api.get(ME).json()
    for field in (*RIGHTS, *SET_BY_THE_SERVICE, *SPELLINGS):
        value = "admin" if field == "role" else True
        yield rivalry.attacker.api.patch(ME, json={field: value, "current_password": PASSWORD})
    assert rivalry.attacker.api.get(ME).json() == before


def owner_of_a_new_item(rivalry: Rivalry) -> Iterator[Answer]:
    """Create an item for another user."""
    for field in (*SET_BY_THE_SERVICE, *SPELLINGS, *RIGHTS):
        body = {"title": "planted", field: rivalry.victim.id}
        yield rivalry.attacker.api.post(ITEMS, json=body)
    assert "planted" not in rivalry.victim.api.get(ITEMS, params={"limit": 100}).text


def owner_of_an_item(rivalry: Rivalry) -> Iterator[Answer]:
    """Change the owner or the ID of an own item."""
    item = rivalry.attacker.api.post(ITEMS, json={"title": "mine"}).json()
    for field in (*SET_BY_THE_SERVICE, *SPELLINGS, *RIGHTS):
        value = rivalry.treasure["id"] if field == "id" else rivalry.victim.id
        yield rivalry.attacker.api.patch(f"{ITEMS}/{item['id']}", json={field: value})
    assert rivalry.attacker.api.get(f"{ITEMS}/{item['id']}").json() == item
    _unharmed(rivalry)


def owner_in_the_query(rivalry: Rivalry) -> Iterator[Answer]:
    """Create an item for another user through the query string."""
    answer = rivalry.attacker.api.post(
        ITEMS, params={"owner_id": rivalry.victim.id, "id": NO_ID}, json={"title": "mine"}
    )
    assert rivalry.victim.id not in answer.text
    yield answer


def hidden_properties(rivalry: Rivalry) -> Iterator[Answer]:
    """Request more properties than a response shows."""
    for query in ({}, {"fields": "password_hash"}, {"include": "password_hash"}, {"expand": "*"}):
        answer = rivalry.attacker.api.get(ME, params=query)
        if answer.status_code == 200:
            assert set(answer.json()) == {"id", "email", "role", "is_active", "created_at"}
        yield answer


# ---------------------------------------------------------------- API5: functions


def functions_of_administrators(rivalry: Rivalry) -> Iterator[Answer]:
    """Call administrators' operations."""
    api = rivalry.attacker.api
    yield api.get(USERS)
    yield api.get(USERS, params={"limit": 100, "after": rivalry.victim.id})
    yield api.patch(f"{USERS}/{rivalry.attacker.id}", json={"role": "admin"})
    yield api.patch(f"{USERS}/{rivalry.victim.id}", json={"is_active": False})
    yield api.patch(f"{USERS}/{NO_ID}", json={"role": "admin"})
    assert api.get(ME).json()["role"] == "user"
    assert rivalry.victim.api.get(ME).json()["is_active"] is True


def functions_by_another_address(rivalry: Rivalry) -> Iterator[Answer]:
    """Write the path so that an access check does not recognize it."""
    for target in (
        f"{USERS}/",
        f"{USERS}//",
        f"/{USERS}",
        "/api/v1//users",
        USERS.upper(),
        f"{USERS};/",
        f"{USERS}%2f",
        f"{USERS}%20",
        f"{USERS}%00",
        f"{USERS}.json",
        "/api/v1/./users",
        f"{ITEMS}/../users",
        f"{ITEMS}/..;/users",
        f"{ITEMS}/%2e%2e/users",
        "/%61pi/v1/users",
        f"{USERS}?",
        f"{USERS}#",
    ):
        answer = ask_raw(rivalry, "GET", target)
        assert rivalry.victim.email not in text_of(answer)
        yield answer


def functions_by_another_method(rivalry: Rivalry) -> Iterator[Answer]:
    """Call administrators' operations with a method that might not be checked."""
    own = f"{USERS}/{rivalry.attacker.id}"
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "QUERY", "patch"):
        yield ask_raw(rivalry, method, own)
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method"):
        yield rivalry.attacker.api.post(own, headers={header: "PATCH"}, json={"role": "admin"})
    yield rivalry.attacker.api.get(USERS, headers={"X-Original-Method": "OPTIONS"})
    assert rivalry.attacker.api.get(ME).json()["role"] == "user"


def functions_by_a_rewritten_address(rivalry: Rivalry) -> Iterator[Answer]:
    """Request one path, and name another in a header that some proxies trust."""
    for header in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Path"):
        answer = rivalry.attacker.api.get(ITEMS, headers={header: USERS})
        assert rivalry.victim.email not in answer.text
        yield answer


# ---------------------------------------------------------------- API6: business flows


def guesses_from_many_peers(rivalry: Rivalry) -> Iterator[Answer]:
    """Guess one account's password from many addresses."""
    email = _bait(rivalry)
    answers = [
        ASK_TO_LOG_IN[rivalry.auth](rivalry.stranger.again(), email, f"guess number {number}")
        for number in range(ATTEMPTS + 1)
    ]
    assert answers[-1].status_code == 429
    yield from answers


def guesses_at_many_accounts(rivalry: Rivalry) -> Iterator[Answer]:
    """Try one password on many accounts."""
    peer = rivalry.stranger.again()
    answers = [
        ASK_TO_LOG_IN[rivalry.auth](peer, new_email(), "the password of many")
        for _ in range(ATTEMPTS + 1)
    ]
    assert answers[-1].status_code == 429
    yield from answers


def guesses_under_forged_addresses(rivalry: Rivalry) -> Iterator[Answer]:
    """Claim another peer in every header that might be trusted."""
    peer = rivalry.stranger.again()
    answers = []
    for _ in range(ATTEMPTS + 1):
        for header in ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "CF-Connecting-IP"):
            peer.headers[header] = new_peer()
        peer.headers["Forwarded"] = f"for={new_peer()}"
        answers.append(ASK_TO_LOG_IN[rivalry.auth](peer, new_email(), "the password of many"))
    assert answers[-1].status_code == 429
    yield from answers


def guesses_under_other_spellings(rivalry: Rivalry) -> Iterator[Answer]:
    """Spell one address in many ways, each of which might have its own counter."""
    email = _bait(rivalry)
    spellings = (email, email.upper(), email.title(), email.swapcase(), f"C{email[1:]}", email)
    answers = [
        ASK_TO_LOG_IN[rivalry.auth](rivalry.stranger.again(), spelt, "a wrong password")
        for spelt in spellings
    ]
    assert answers[-1].status_code == 429
    yield from answers


def _bait(rivalry: Rivalry) -> str:
    """Return the address of an account that the attack may lock out."""
    email = new_email()
    registered = rivalry.stranger.post(REGISTER, json={"email": email, "password": PASSWORD})
    assert registered.status_code == 201
    return email
