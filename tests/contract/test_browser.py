"""The pages of a service, in a real browser: the admin site, and `/docs`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from new_backend.verify import browser as browsers
from tests.harness.accounts import PASSWORD, new_email
from tests.harness.browser import ACTION_MILLISECONDS, browsing, new_page, proxying

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from tests.harness.accounts import Account
    from tests.harness.api import Document
    from tests.harness.combinations import Combination
    from tests.harness.fixtures import Settings, Start
    from tests.harness.services import Server, Service

NEW_PASSWORD = "another battery of horses"  # noqa: S105 - of no real account
expect.set_options(timeout=ACTION_MILLISECONDS)

LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of this machine; one that is named must be there."""
    executable = browsers.executable()
    if executable is None:
        pytest.skip("Chromium is not installed")
    if not os.access(executable, os.X_OK):
        pytest.fail(f"{browsers.VARIABLE} names {executable}, which is not there", pytrace=False)
    with browsing(executable) as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without a login. A script that fails, or is blocked, fails the test."""
    with new_page(browser) as opened:
        yield opened


# ---------------------------------------------------------------- The admin site


@pytest.fixture(params=["http", "tls", "prefix"])
def site(
    request: pytest.FixtureRequest, server: Server, start: Start, tmp_path: Path
) -> Iterator[str]:
    """The address of a service: by itself, behind a proxy with TLS, and below a path of one."""
    if request.param == "http":
        yield server.url
        return
    prefix = "/shop" if request.param == "prefix" else ""
    with (
        start(TRUSTED_PROXIES=LOOPBACK) as behind,
        proxying(behind.url, tmp_path, prefix=prefix) as address,
    ):
        yield address


@pytest.fixture
def first_admin(service: Service, production: Settings) -> str:
    """The address of a new administrator who is made on the command line."""
    email = new_email()
    made = service.run("create-admin", email, settings=production, stdin=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stdout + made.stderr
    return email


def enter_email(page: Page, email: str) -> None:
    """Log in on the page of the issuer."""
    page.get_by_label("Email address").fill(email)
    page.get_by_role("button", name="Log in", exact=True).click()


def enter_admin(page: Page, site: str, auth: str, email: str) -> None:
    """Log in as a person does, and arrive at the first page of the admin site."""
    if auth == "oidc":
        page.goto(f"{site}/api/v1/auth/login?return_to=/admin/")
        enter_email(page, email)
    else:
        page.goto(f"{site}/admin/")
        page.fill("#id_username", email)
        page.fill("#id_password", PASSWORD)
        page.click("[type=submit]")
    expect(page).to_have_url(f"{site}/admin/")


def save(page: Page, message: str) -> None:
    """Send the form of a page; it is accepted."""
    page.click("[name=_save]")
    expect(page.locator(".messagelist")).to_contain_text(message)


@pytest.mark.accounts
@pytest.mark.orm("django")
class TestAdmin:
    def test_admin_manages_items_and_users(
        self,
        page: Page,
        site: str,
        first_admin: str,
        combination: Combination,
        account: Account,
    ) -> None:
        enter_admin(page, site, combination.auth, first_admin)

        page.goto(f"{site}/admin/items/item/add/")
        page.fill("#id_title", "Tea")
        page.click(".select2-selection")
        page.fill(".select2-search__field", account.email)
        page.click(f".select2-results__option:has-text('{account.email}')")
        save(page, "added successfully")
        page.goto(f"{site}/admin/items/item/?q={account.email}")
        page.click("#result_list tbody th a")
        page.fill("#id_title", "Coffee")
        save(page, "changed successfully")
        assert [each["title"] for each in account.api.get("/api/v1/items").json()["items"]] == [
            "Coffee"
        ]
        page.goto(f"{site}/admin/items/item/?q={account.email}")
        page.click("#result_list tbody th a")
        page.click(".deletelink")
        page.click("#content form [type=submit]")
        expect(page.locator(".messagelist")).to_contain_text("deleted successfully")
        assert account.api.get("/api/v1/items").json()["items"] == []

        added = new_email()
        page.goto(f"{site}/admin/users/user/add/")
        page.fill("#id_email", added)
        page.fill("#id_password1", NEW_PASSWORD)
        page.fill("#id_password2", NEW_PASSWORD)
        save(page, "added successfully")

        page.goto(f"{site}/admin/users/user/{account.id}/change/")
        page.uncheck("#id_is_active")
        save(page, "changed successfully")
        assert account.api.get("/api/v1/users/me").status_code == 401

        page.click("#logout-form button")
        expect(page.locator("h1")).to_have_text("Logged out")
        assert page.request.get(f"{site}/admin/", max_redirects=0).status == 302

    @pytest.mark.auth("jwt", "session", "api-key")
    def test_login_page_refuses_a_wrong_password(
        self, page: Page, site: str, first_admin: str
    ) -> None:
        page.goto(f"{site}/admin/")
        page.fill("#id_username", first_admin)
        page.fill("#id_password", "wrong")
        page.click("[type=submit]")

        expect(page.locator(".errornote")).to_be_visible()


# ---------------------------------------------------------------- The documentation


def operation(page: Page, method: str, path: str) -> Locator:
    """Unfold an operation and let it be tried out."""
    found = page.locator(f".opblock-{method}").filter(
        has=page.locator(f'.opblock-summary-path[data-path="{path}"]')
    )
    if "is-open" not in (found.get_attribute("class") or ""):
        found.locator(".opblock-summary-control").click()
    found.locator(".try-out__btn").click()
    return found


def execute(found: Locator, body: dict[str, Any] | None = None) -> tuple[str, Any]:
    """Try an operation out; return the status and the JSON that the page shows."""
    if body is not None:
        found.locator("textarea.body-param__text").fill(json.dumps(body))
    found.locator(".btn.execute").click()
    status = found.locator(".live-responses-table .response .response-col_status")
    expect(status).to_be_visible()
    text = found.locator(".live-responses-table .response .highlight-code code").first
    shown = text.inner_text() if text.count() else ""
    return status.inner_text().split()[0], json.loads(shown) if shown.startswith("{") else None


def authorize(page: Page, *values: tuple[str, str]) -> None:
    """Fill the dialog that "Authorize" opens; it ends up authorized."""
    page.click(".btn.authorize")
    for field, value in values:
        page.fill(field, value)
    page.click(".modal-ux .btn.authorize")
    expect(page.locator(".modal-ux .btn:has-text('Logout')")).to_be_visible()
    page.click(".modal-ux .btn-done")


def log_in_on_page(page: Page, address: str, auth: str, account: Account) -> None:
    """Authenticate as a reader of the page does."""
    if auth == "oidc":
        page.goto(f"{address}/api/v1/auth/login?return_to=/docs")
        enter_email(page, account.email)
    page.goto(f"{address}/docs")
    if auth == "jwt":
        authorize(page, ("#oauth_username", account.email), ("#oauth_password", PASSWORD))
    elif auth == "api-key":
        authorize(page, ("#api_key_value", account.api.credentials["x-api-key"]))
    elif auth == "session":
        body = {"email": account.email, "password": PASSWORD}
        status, _ = execute(operation(page, "post", "/api/v1/auth/login"), body)
        assert status == "200"


@pytest.mark.once_per("framework", "auth", "concurrency", "django_api")
class TestDocs:
    def test_every_operation_is_shown(self, page: Page, server: Server, document: Document) -> None:
        page.goto(f"{server.url}/docs")

        operations = sum(map(len, document.content["paths"].values()))
        expect(page.locator(".opblock")).to_have_count(operations)

    def test_page_loads_nothing_from_another_host(self, page: Page, server: Server) -> None:
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))

        page.goto(f"{server.url}/docs")
        expect(page.locator(".opblock").first).to_be_visible()

        assert [each for each in loaded if not each.startswith((server.url, "data:"))] == []

    @pytest.mark.accounts
    def test_user_logs_in_and_creates_and_deletes_an_item(
        self, page: Page, server: Server, combination: Combination, account: Account
    ) -> None:
        log_in_on_page(page, server.url, combination.auth, account)

        create_and_delete_item(page)

    @pytest.mark.accounts
    def test_user_creates_item_below_prefix(
        self, page: Page, start: Start, combination: Combination, account: Account, tmp_path: Path
    ) -> None:
        with (
            start(TRUSTED_PROXIES=LOOPBACK) as behind,
            proxying(behind.url, tmp_path, prefix="/shop") as address,
        ):
            log_in_on_page(page, address, combination.auth, account)

            create_and_delete_item(page)

    @pytest.mark.auth("none")
    def test_reader_creates_and_deletes_an_item(self, page: Page, server: Server) -> None:
        page.goto(f"{server.url}/docs")

        create_and_delete_item(page)


def create_and_delete_item(page: Page) -> None:
    """Execute both operations on the page."""
    status, item = execute(operation(page, "post", "/api/v1/items"), {"title": "Tea"})
    assert status == "201"
    assert item["title"] == "Tea"

    deletion = operation(page, "delete", "/api/v1/items/{item_id}")
    deletion.locator(".parameters input").first.fill(item["id"])
    assert execute(deletion)[0] == "204"
