"""Items: the sample resource."""

from __future__ import annotations

import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.accounts import CHALLENGES

if TYPE_CHECKING:
    from tests.harness.accounts import Account
    from tests.harness.api import Api
    from tests.harness.databases import Database
    from tests.harness.services import Service

JSON = {"Content-Type": "application/json"}
NO_ITEM = "01900000-0000-7000-8000-000000000000"
MEMBERS = {"id", "title", "description", "created_at", "updated_at"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z")
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
CLOCK_SLACK = timedelta(seconds=2)
FAMILY = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{MAN}\N{ZERO WIDTH JOINER}\N{GIRL}"


def create(caller: Api, title: str = "a title", **fields: Any) -> dict[str, Any]:
    """Create an item and return it."""
    answer = caller.post("/api/v1/items", json={"title": title, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def page(caller: Api, **query: Any) -> dict[str, Any]:
    """Return one page of the list."""
    answer = caller.get("/api/v1/items", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert set(found) == {"items", "next"}
    return found


class TestCreateItem:
    def test_returns_item_and_location(self, caller: Api, service: Service) -> None:
        answer = caller.post("/api/v1/items", json={"title": "Bread", "description": "Rye"})

        assert answer.status_code == 201
        item = answer.json()
        assert set(item) == MEMBERS | ({"owner_id"} if service.has_accounts else set())
        assert (item["title"], item["description"]) == ("Bread", "Rye")
        assert answer.headers["location"] == f"/api/v1/items/{item['id']}"
        assert caller.get(answer.headers["location"]).json() == item

    def test_description_is_optional(self, caller: Api) -> None:
        assert create(caller)["description"] is None

    def test_times_are_current_and_in_utc(self, caller: Api) -> None:
        item = create(caller)

        assert TIME.match(item["created_at"])
        assert item["updated_at"] == item["created_at"]
        created = datetime.fromisoformat(item["created_at"])
        assert created.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - created) < CLOCK_SLACK

    def test_id_is_uuid7_of_current_time(self, caller: Api) -> None:
        item = create(caller)

        assert UUID7.match(item["id"])
        milliseconds = uuid.UUID(item["id"]).int >> 80
        assert abs(time.time() - milliseconds / 1000) < CLOCK_SLACK.total_seconds()

    def test_ids_sort_by_creation(self, caller: Api) -> None:
        ids = [create(caller)["id"] for _ in range(20)]

        assert ids == sorted(ids)

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("a", "a"),
            ("  a b  ", "a b"),
            ("\t\na\r\n", "a"),
            ("\u00a0a\u2003", "a"),
            ("x" * 200, "x" * 200),
            (f"  {'x' * 200}  ", "x" * 200),
            (FAMILY, FAMILY),
            ("\N{PILE OF POO}" * 200, "\N{PILE OF POO}" * 200),
            ("e\u0301", "e\u0301"),
            ("' OR 1=1; --", "' OR 1=1; --"),
            ("<script>", "<script>"),
            ("%s {} {{x}} $1 :id", "%s {} {{x}} $1 :id"),
            ("\\", "\\"),
        ],
    )
    def test_title_is_trimmed_and_otherwise_unchanged(
        self, caller: Api, given: str, kept: str
    ) -> None:
        item = create(caller, given, description=given)

        assert item["title"] == kept
        assert item["description"] is not None
        assert caller.get(f"/api/v1/items/{item['id']}").json()["title"] == kept

    @pytest.mark.parametrize(
        "title",
        ["", " ", "\t\n", "x" * 201, "\N{PILE OF POO}" * 201, None, 1, 1.5, True, [], {}, ["a"]],
    )
    def test_rejects_invalid_title(self, caller: Api, title: object) -> None:
        answer = caller.post("/api/v1/items", json={"title": title})

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/title"]

    def test_rejects_missing_title(self, caller: Api) -> None:
        answer = caller.post("/api/v1/items", json={})

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/title"]

    @pytest.mark.parametrize(
        "description", [None, "", "x", "x" * 2_000, "\N{PILE OF POO}" * 2_000, "two\nlines"]
    )
    def test_keeps_description(self, caller: Api, description: str | None) -> None:
        assert create(caller, description=description)["description"] == description

    @pytest.mark.parametrize("description", ["x" * 2_001, 1, False, [], {}])
    def test_rejects_invalid_description(self, caller: Api, description: object) -> None:
        answer = caller.post("/api/v1/items", json={"title": "a", "description": description})

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/description"]

    @pytest.mark.parametrize("field", ["title", "description"])
    @pytest.mark.parametrize(
        "written", [r"a\u0000b", r"\u0000", r"\ud800", r"a\udfffb", r"\udc00\ud800"]
    )
    def test_rejects_text_that_databases_cannot_store(
        self, caller: Api, field: str, written: str
    ) -> None:
        other = '"title": "a", ' if field == "description" else ""
        body = f'{{{other}"{field}": "{written}"}}'

        answer = caller.post("/api/v1/items", content=body, headers=JSON)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{field}"]

    def test_accepts_surrogate_pair_as_one_character(self, caller: Api) -> None:
        body = r'{"title": "\ud83d\udca9"}'

        answer = caller.post("/api/v1/items", content=body, headers=JSON)

        assert answer.json()["title"] == "\N{PILE OF POO}"

    @pytest.mark.parametrize(
        "number", ["9" * 30, "9" * 5_000, "-" + "9" * 5_000, "1e400", "1e-400", "-0"]
    )
    def test_rejects_number_of_any_size_for_text(self, caller: Api, number: str) -> None:
        answer = caller.post("/api/v1/items", content=f'{{"title": {number}}}', headers=JSON)

        assert answer.status_code in (400, 422)

    @pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
    def test_rejects_constants_outside_json(self, caller: Api, word: str) -> None:
        answer = caller.post("/api/v1/items", content=f'{{"title": {word}}}', headers=JSON)

        assert answer.status_code in (400, 422)

    def test_rejected_item_is_not_stored(self, caller: Api) -> None:
        marker = create(caller)

        caller.post("/api/v1/items", json={"title": "a", "x": 1})

        assert page(caller, after=marker["id"]) == {"items": [], "next": None}


class TestListItems:
    def test_lists_oldest_first_and_each_item_once(self, caller: Api) -> None:
        marker = create(caller)
        made = [create(caller, title) for title in ("e", "d", "c", "b", "a")]

        first = page(caller, after=marker["id"], limit=2)
        second = page(caller, after=first["next"], limit=2)
        third = page(caller, after=second["next"], limit=2)

        assert [*first["items"], *second["items"], *third["items"]] == made
        assert first["next"] == made[1]["id"]
        assert third["next"] is None

    def test_page_that_ends_with_last_item_has_no_next(self, caller: Api) -> None:
        marker = create(caller)
        made = [create(caller) for _ in range(2)]

        assert page(caller, after=marker["id"], limit=2) == {"items": made, "next": None}

    def test_page_after_last_item_is_empty(self, caller: Api) -> None:
        marker = create(caller)

        assert page(caller, after=marker["id"]) == {"items": [], "next": None}

    def test_page_can_start_after_deleted_item(self, caller: Api) -> None:
        marker = create(caller)
        after = create(caller)
        caller.delete(f"/api/v1/items/{marker['id']}")

        assert page(caller, after=marker["id"])["items"] == [after]

    def test_default_limit_is_twenty(self, caller: Api) -> None:
        marker = create(caller)
        made = [create(caller)["id"] for _ in range(21)]

        found = page(caller, after=marker["id"])

        assert [each["id"] for each in found["items"]] == made[:20]
        assert found["next"] == made[19]

    @pytest.mark.parametrize("limit", [1, 2, 100])
    def test_accepts_limit_in_range(self, caller: Api, limit: int) -> None:
        marker = create(caller)
        made = [create(caller) for _ in range(2)]

        assert page(caller, after=marker["id"], limit=limit)["items"] == made[:limit]

    @pytest.mark.parametrize(
        "limit", ["0", "101", "-1", "abc", "", "1.5", "9" * 30, "9" * 5_000, "1e2", "0x10", "null"]
    )
    def test_rejects_limit_out_of_range(self, caller: Api, limit: str) -> None:
        answer = caller.get("/api/v1/items", params={"limit": limit})

        assert answer.status_code == 422
        assert [each["query"] for each in answer.json()["errors"]] == ["limit"]

    def test_concurrent_inserts_do_not_disturb_pages(self, caller: Api) -> None:
        """Every item that exists at the start appears once, and none twice."""
        marker = create(caller)
        before = [create(caller)["id"] for _ in range(30)]
        stop = threading.Event()
        failures: list[str] = []

        def keep_creating() -> None:
            with caller.again(headers=caller.credentials) as writer:
                while not stop.is_set():
                    answer = writer.post("/api/v1/items", json={"title": "meanwhile"})
                    if answer.status_code != 201:
                        failures.append(answer.text)

        writers = [threading.Thread(target=keep_creating) for _ in range(3)]
        for each in writers:
            each.start()
        seen, after = [], marker["id"]
        for _ in range(10):
            found = page(caller, after=after, limit=7)
            seen += [each["id"] for each in found["items"]]
            after = found["next"]
            if after is None:
                break
        stop.set()
        for each in writers:
            each.join()

        assert failures == []
        assert len(seen) == len(set(seen))
        assert seen == sorted(seen)
        assert seen[:30] == before

    def test_deleted_item_is_not_listed(self, caller: Api) -> None:
        marker = create(caller)
        item = create(caller)
        caller.delete(f"/api/v1/items/{item['id']}")

        assert page(caller, after=marker["id"])["items"] == []


class TestGetItem:
    def test_returns_created_item(self, caller: Api) -> None:
        item = create(caller, "Bread", description="Rye")

        answer = caller.get(f"/api/v1/items/{item['id']}")

        assert answer.status_code == 200
        assert answer.json() == item

    def test_unknown_item_returns_404(self, caller: Api) -> None:
        assert caller.get(f"/api/v1/items/{NO_ITEM}").status_code == 404

    def test_accepts_id_in_upper_case(self, caller: Api) -> None:
        item = create(caller)

        answer = caller.get(f"/api/v1/items/{item['id'].upper()}")

        assert answer.json() == item


class TestUpdateItem:
    @pytest.mark.parametrize(
        ("change", "title", "description"),
        [
            ({"title": "Cake"}, "Cake", "Rye"),
            ({"description": "Oat"}, "Bread", "Oat"),
            ({"description": None}, "Bread", None),
            ({"description": ""}, "Bread", ""),
            ({"title": "  Cake ", "description": "Oat"}, "Cake", "Oat"),
        ],
    )
    def test_changes_only_sent_fields(
        self, caller: Api, change: dict[str, Any], title: str, description: str | None
    ) -> None:
        item = create(caller, "Bread", description="Rye")

        answer = caller.patch(f"/api/v1/items/{item['id']}", json=change)

        assert answer.status_code == 200
        changed = answer.json()
        assert (changed["title"], changed["description"]) == (title, description)
        assert {**changed, "updated_at": None} == {
            **item,
            "title": title,
            "description": description,
            "updated_at": None,
        }
        assert caller.get(f"/api/v1/items/{item['id']}").json() == changed

    def test_sets_time_of_change(self, caller: Api) -> None:
        item = create(caller)

        changed = caller.patch(f"/api/v1/items/{item['id']}", json={"title": "new"}).json()

        assert TIME.match(changed["updated_at"])
        assert datetime.fromisoformat(changed["updated_at"]) > datetime.fromisoformat(
            item["updated_at"]
        )

    def test_empty_change_changes_nothing(self, caller: Api) -> None:
        item = create(caller)

        answer = caller.patch(f"/api/v1/items/{item['id']}", json={})

        assert answer.status_code == 200
        assert answer.json() == item

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ('{"title": null}', "/title"),
            ('{"title": ""}', "/title"),
            ('{"title": "  "}', "/title"),
            (f'{{"title": "{"x" * 201}"}}', "/title"),
            (r'{"title": "\u0000"}', "/title"),
            (r'{"description": "\ud800"}', "/description"),
            (f'{{"description": "{"x" * 2_001}"}}', "/description"),
            ('{"description": 1}', "/description"),
            ('{"id": "01900000-0000-7000-8000-000000000000"}', "/id"),
            ("[]", ""),
            ("null", ""),
        ],
    )
    def test_rejects_invalid_change_and_changes_nothing(
        self, caller: Api, body: str, pointer: str
    ) -> None:
        item = create(caller)

        answer = caller.patch(f"/api/v1/items/{item['id']}", content=body, headers=JSON)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
        assert caller.get(f"/api/v1/items/{item['id']}").json() == item

    def test_unknown_item_returns_404(self, caller: Api) -> None:
        assert caller.patch(f"/api/v1/items/{NO_ITEM}", json={"title": "a"}).status_code == 404

    def test_item_deleted_meanwhile_returns_404(self, caller: Api, database: Database) -> None:
        title = str(uuid.uuid4())
        path = f"/api/v1/items/{create(caller, title)['id']}"

        with ThreadPoolExecutor() as pool, database.transaction() as run:
            run("DELETE FROM item WHERE title = %s", title)
            update = pool.submit(caller.patch, path, json={"title": "new"})
            database.wait_for_blocked()

        assert update.result().status_code == 404

    def test_item_that_others_refer_to_is_kept(self, caller: Api, database: Database) -> None:
        item_id = create(caller, "Tea")["id"]

        with database.referring(item_id):
            answer = caller.delete(f"/api/v1/items/{item_id}")

        assert answer.status_code == 409
        assert caller.get(f"/api/v1/items/{item_id}").status_code == 200

    @pytest.mark.database("postgresql", "mysql")
    def test_retries_deadlock(self, caller: Api, database: Database) -> None:
        title = str(uuid.uuid4())
        path = f"/api/v1/items/{create(caller, title)['id']}"

        with (
            database.chaining_updates(),
            ThreadPoolExecutor() as pool,
            database.transaction() as run,
        ):
            run("UPDATE planted SET n = n + 1")
            update = pool.submit(caller.patch, path, json={"title": "new"})
            database.wait_for_blocked()
            run("SELECT title FROM item WHERE title = %s FOR UPDATE", title)

        assert update.result().status_code == 200
        assert caller.get(path).json()["title"] == "new"


class TestDeleteItem:
    def test_deleted_item_returns_404(self, caller: Api) -> None:
        item = create(caller)

        answer = caller.delete(f"/api/v1/items/{item['id']}")

        assert answer.status_code == 204
        assert answer.content == b""
        assert caller.get(f"/api/v1/items/{item['id']}").status_code == 404
        assert caller.delete(f"/api/v1/items/{item['id']}").status_code == 404
        assert caller.patch(f"/api/v1/items/{item['id']}", json={}).status_code == 404

    def test_unknown_item_returns_404(self, caller: Api) -> None:
        assert caller.delete(f"/api/v1/items/{NO_ITEM}").status_code == 404

    def test_ten_concurrent_deletes_delete_once(self, caller: Api) -> None:
        item = create(caller)
        statuses: list[int] = []

        def delete() -> None:
            with caller.again(headers=caller.credentials) as api:
                statuses.append(api.delete(f"/api/v1/items/{item['id']}").status_code)

        threads = [threading.Thread(target=delete) for _ in range(10)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert sorted(statuses) == [204, *[404] * 9]


@pytest.mark.accounts
class TestOwners:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/api/v1/items", None),
            ("POST", "/api/v1/items", {"title": "a"}),
            ("GET", f"/api/v1/items/{NO_ITEM}", None),
            ("PATCH", f"/api/v1/items/{NO_ITEM}", {"title": "a"}),
            ("DELETE", f"/api/v1/items/{NO_ITEM}", None),
        ],
    )
    def test_rejects_anonymous_request(
        self, api: Api, service: Service, method: str, path: str, body: dict[str, Any] | None
    ) -> None:
        answer = api.request(method, path, json=body)

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == CHALLENGES[service.combination.auth]

    def test_owner_is_authenticated_user(self, account: Account) -> None:
        assert create(account.api)["owner_id"] == account.id

    @pytest.mark.parametrize(
        ("method", "body"),
        [("GET", None), ("PATCH", {"title": "mine"}), ("PATCH", {}), ("DELETE", None)],
    )
    def test_item_of_another_user_returns_404(
        self, account: Account, other_account: Account, method: str, body: dict[str, Any] | None
    ) -> None:
        item = create(other_account.api)

        answer = account.api.request(method, f"/api/v1/items/{item['id']}", json=body)
        never_was = account.api.request(method, f"/api/v1/items/{NO_ITEM}", json=body)

        assert answer.status_code == 404
        assert _without_id(answer.json()) == _without_id(never_was.json())
        assert other_account.api.get(f"/api/v1/items/{item['id']}").json() == item

    def test_items_of_other_users_are_not_listed(
        self, account: Account, other_account: Account
    ) -> None:
        theirs = create(other_account.api)
        mine = create(account.api)

        assert page(account.api)["items"] == [mine]
        assert page(other_account.api)["items"] == [theirs]

    def test_page_after_item_of_another_user_lists_only_own_items(
        self, account: Account, other_account: Account
    ) -> None:
        theirs = create(other_account.api)
        mine = create(account.api)

        assert page(account.api, after=theirs["id"])["items"] == [mine]

    def test_administrator_also_sees_only_own_items(self, admin: Account, account: Account) -> None:
        item = create(account.api)

        assert admin.api.get(f"/api/v1/items/{item['id']}").status_code == 404
        assert page(admin.api)["items"] == []


def _without_id(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}
