"""The command line of the service."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.harness.accounts import LOG_IN, PASSWORD, new_email, register, try_password
from tests.harness.databases import insert_item
from tests.harness.logins import StoredLogins

if TYPE_CHECKING:
    from tests.harness.accounts import Account
    from tests.harness.api import Api, Document
    from tests.harness.databases import Database
    from tests.harness.fixtures import Settings
    from tests.harness.services import Service

COMMANDS = {"serve", "migrate", "openapi", "check"}
COMMANDS_OF_ACCOUNTS = {"create-admin", "set-role"}
COMMANDS_OF_PASSWORDS = {"set-password"}
COMMANDS_OF_LOGINS = {"sweep"}
ALL_COMMANDS = COMMANDS | COMMANDS_OF_ACCOUNTS | COMMANDS_OF_PASSWORDS | COMMANDS_OF_LOGINS
FORGET_MIGRATIONS = {
    "sqlalchemy": "DELETE FROM alembic_version",
    "sqlmodel": "DELETE FROM alembic_version",
    "django": "DELETE FROM django_migrations",
}
LOGINS = ("jwt", "session", "oidc")
PASSWORDS = ("jwt", "session", "api-key")
LONGER_THAN_ANY_LOGIN = timedelta(days=31)


def migrate_without_accounts(service: Service, settings: Settings) -> None:
    """Apply the migrations of a service that has no accounts yet."""
    if service.combination.orm == "django":
        done = service.run("migrate", "items", "0001", settings=settings)
        assert done.returncode == 0, done.stderr
        return
    service.alembic("upgrade", "a7e25b90c41d", settings=settings)


class TestHelp:
    def test_lists_selected_commands_without_settings(self, service: Service) -> None:
        of_accounts = COMMANDS_OF_ACCOUNTS if service.has_accounts else set()
        of_logins = COMMANDS_OF_LOGINS if service.combination.auth in LOGINS else set()
        of_passwords = COMMANDS_OF_PASSWORDS if service.combination.auth in PASSWORDS else set()

        done = service.run("--help", settings={})

        assert done.returncode == 0, done.stderr
        listed = {each for each in ALL_COMMANDS if each in done.stdout}
        assert listed == COMMANDS | of_accounts | of_logins | of_passwords

    @pytest.mark.once_per("framework", "orm")
    def test_unknown_command_is_usage_error(self, service: Service) -> None:
        done = service.run("no-such-command", settings={})

        assert done.returncode == 2
        assert "no-such-command" in done.stderr
        assert "Traceback" not in done.stderr


class TestOpenapi:
    def test_prints_the_served_document(
        self, service: Service, production: Settings, document: Document
    ) -> None:
        done = service.run("openapi", settings=production)

        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == document.content


class TestCheck:
    def test_exits_0_when_settings_and_database_are_ok(
        self, service: Service, production: Settings
    ) -> None:
        done = service.run("check", settings=production)

        assert done.returncode == 0, done.stdout + done.stderr
        assert len(done.stdout.splitlines()) == 1
        assert done.stderr == ""

    @pytest.mark.once_per("orm", "database")
    def test_unavailable_database_exits_1_with_reason(
        self, service: Service, production: Settings, database: Database
    ) -> None:
        done = service.run("check", settings={**production, "DATABASE_URL": database.absence().url})

        assert done.returncode == 1
        assert "database" in (done.stdout + done.stderr).lower()
        assert "Traceback" not in done.stdout + done.stderr

    @pytest.mark.once_per("framework", "orm", "database", "concurrency")
    @pytest.mark.parametrize("state", ["empty", "behind"])
    def test_missing_migration_exits_1_with_command(
        self, service: Service, production: Settings, empty_database: Database, state: str
    ) -> None:
        settings = {**production, "DATABASE_URL": empty_database.url}
        if state == "behind":
            service.run("migrate", settings=settings)
            empty_database.run(FORGET_MIGRATIONS[service.combination.orm])

        done = service.run("check", settings=settings)

        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.endswith("migrate`.")

    @pytest.mark.once_per("framework")
    def test_invalid_setting_exits_1_with_reason(
        self, service: Service, production: Settings
    ) -> None:
        done = service.run("check", settings={**production, "MAX_BODY_BYTES": "lots"})

        assert done.returncode == 1
        assert "MAX_BODY_BYTES" in done.stderr


class TestMigrate:
    @pytest.mark.once_per("orm", "database")
    def test_second_run_does_nothing(self, service: Service, production: Settings) -> None:
        done = service.run("migrate", settings=production)

        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.once_per("orm", "database", "concurrency")
    def test_parallel_runs_succeed(
        self, service: Service, production: Settings, empty_database: Database
    ) -> None:
        settings = {**production, "DATABASE_URL": empty_database.url}

        with ThreadPoolExecutor() as pool:
            runs = [pool.submit(service.run, "migrate", settings=settings) for _ in range(3)]

        assert [each.result().stderr for each in runs if each.result().returncode] == []
        assert service.run("check", settings=settings).returncode == 0

    @pytest.mark.accounts
    @pytest.mark.once_per("orm", "database")
    def test_items_without_owner_stop_it_and_are_kept(
        self, service: Service, production: Settings, empty_database: Database
    ) -> None:
        """As in a service that got its accounts later."""
        settings = {**production, "DATABASE_URL": empty_database.url}
        migrate_without_accounts(service, settings)
        insert_item(empty_database, service.combination.database, title="Tea")

        done = service.run("migrate", settings=settings)
        kept = empty_database.run("SELECT title FROM item")
        empty_database.run("DELETE FROM item")
        again = service.run("migrate", settings=settings)

        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("There are items without an owner.")
        assert "Traceback" not in done.stderr
        assert [*kept] == [("Tea",)]
        assert again.returncode == 0, again.stderr

    @pytest.mark.once_per("orm", "database")
    def test_unavailable_database_exits_1_with_one_line(
        self, service: Service, production: Settings, database: Database
    ) -> None:
        settings = {**production, "DATABASE_URL": database.absence().url}

        done = service.run("migrate", settings=settings)

        assert done.returncode == 1
        assert done.stderr.strip()
        assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.accounts
@pytest.mark.once_per("framework", "orm")
class TestCreateAdmin:
    @pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
    def test_reads_password_from_standard_input(
        self, service: Service, production: Settings, api: Api, ending: str
    ) -> None:
        email = new_email()

        done = service.run(
            "create-admin", f" {email.title()} ", settings=production, stdin=PASSWORD + ending
        )

        assert done.returncode == 0, done.stdout + done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        client, _ = LOG_IN[service.combination.auth](api, email, PASSWORD)
        assert client.get("/api/v1/users/me").json()["role"] == "admin"

    def test_rejects_taken_address(self, service: Service, production: Settings, api: Api) -> None:
        email = new_email()
        register(api, email=email)

        done = service.run(
            "create-admin", email.upper(), settings=production, stdin="another password, long"
        )

        _assert_refused(done.returncode, done.stderr)
        client, _ = LOG_IN[service.combination.auth](api, email, PASSWORD)
        assert client.get("/api/v1/users/me").json()["role"] == "user"

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("no-address", PASSWORD),
            ("", PASSWORD),
            ("new-admin@example.org", ""),
            ("new-admin@example.org", "x" * 11),
            ("new-admin@example.org", "x" * 129),
        ],
    )
    def test_rejects_invalid_address_or_password(
        self, service: Service, production: Settings, email: str, password: str
    ) -> None:
        done = service.run("create-admin", email, settings=production, stdin=password)

        _assert_refused(done.returncode, done.stderr)
        assert "xxxxxxxx" not in done.stdout + done.stderr

    def test_unavailable_database_exits_1_with_one_line(
        self, service: Service, production: Settings, database: Database
    ) -> None:
        settings = {**production, "DATABASE_URL": database.absence().url}

        done = service.run("create-admin", new_email(), settings=settings, stdin=PASSWORD)

        _assert_refused(done.returncode, done.stderr)


@pytest.mark.accounts
@pytest.mark.once_per("framework", "orm")
class TestSetRole:
    def test_second_run_changes_nothing(
        self, service: Service, production: Settings, account: Account
    ) -> None:
        email = f" {account.email.title()} "

        for role in ("admin", "admin", "user"):
            done = service.run("set-role", email, role, settings=production)

            assert done.returncode == 0, done.stdout + done.stderr
            assert account.api.get("/api/v1/users/me").json()["role"] == role

    @pytest.mark.parametrize("email", ["unknown@example.org", "no-address"])
    def test_rejects_unknown_address(
        self, service: Service, production: Settings, email: str
    ) -> None:
        done = service.run("set-role", email, "admin", settings=production)

        assert (done.returncode, done.stderr) == (1, "No account has this email address.\n")

    def test_logs_event_without_address(
        self, service: Service, production: Settings, account: Account
    ) -> None:
        done = service.run("set-role", account.email, "admin", settings=production)

        (line,) = map(json.loads, done.stderr.splitlines())
        assert (line["event"], line["role"]) == ("authz_change", "admin")
        assert line["user_id"] == account.id
        assert account.email not in done.stderr

    @pytest.mark.parametrize("role", ["owner", "Admin"])
    def test_rejects_unknown_role(
        self, service: Service, production: Settings, account: Account, role: str
    ) -> None:
        done = service.run("set-role", account.email, role, settings=production)

        assert done.returncode == 1
        assert done.stderr == f'Unknown role "{role}". Allowed: admin, user.\n'
        assert account.api.get("/api/v1/users/me").json()["role"] == "user"

    def test_unavailable_database_exits_1_with_one_line(
        self, service: Service, production: Settings, database: Database
    ) -> None:
        settings = {**production, "DATABASE_URL": database.absence().url}

        done = service.run("set-role", new_email(), "admin", settings=settings)

        _assert_refused(done.returncode, done.stderr)


@pytest.mark.auth(*PASSWORDS)
@pytest.mark.once_per("framework", "orm", "auth")
class TestSetPassword:
    def test_ends_logins_and_accepts_only_new_password(
        self,
        service: Service,
        production: Settings,
        api: Api,
        account: Account,
        other_account: Account,
    ) -> None:
        new = "another battery staple"
        for _ in range(2):
            done = service.run(
                "set-password",
                f" {account.email.title()} ",
                settings=production,
                stdin=f"{new}\r\n",
            )

            assert done.returncode == 0, done.stdout + done.stderr
            assert new not in done.stdout + done.stderr
        assert account.api.get("/api/v1/users/me").status_code == 401
        assert other_account.api.get("/api/v1/users/me").status_code == 200
        auth = service.combination.auth
        assert try_password(api, auth, account.email, PASSWORD).status_code == 401
        assert try_password(api, auth, account.email, new).status_code == 200

    @pytest.mark.parametrize("email", ["unknown@example.org", "no-address"])
    def test_rejects_unknown_address(
        self, service: Service, production: Settings, email: str
    ) -> None:
        done = service.run("set-password", email, settings=production, stdin=PASSWORD)

        _assert_refused(done.returncode, done.stderr)
        assert len(done.stderr.splitlines()) == 1

    @pytest.mark.parametrize("password", ["", "x" * 11, "x" * 129])
    def test_rejects_invalid_password(
        self, service: Service, production: Settings, account: Account, password: str
    ) -> None:
        done = service.run("set-password", account.email, settings=production, stdin=password)

        _assert_refused(done.returncode, done.stderr)
        assert "xxxxxxxx" not in done.stdout + done.stderr
        assert account.api.get("/api/v1/users/me").status_code == 200


@pytest.mark.auth(*LOGINS)
class TestSweep:
    def test_deletes_only_expired_rows(
        self,
        service: Service,
        production: Settings,
        database: Database,
        account: Account,
        other_account: Account,
    ) -> None:
        expired, others = (
            StoredLogins.of(database, service.combination, each.email)
            for each in (account, other_account)
        )
        expired.let_pass(LONGER_THAN_ANY_LOGIN)
        assert (expired.count(), others.count()) == (1, 1)

        done = service.run("sweep", settings=production)

        assert done.returncode == 0, done.stdout + done.stderr
        assert (expired.count(), others.count()) == (0, 1)
        assert other_account.api.get("/api/v1/users/me").status_code == 200

    @pytest.mark.once_per("orm", "auth")
    def test_second_run_does_nothing(
        self, service: Service, production: Settings, account: Account
    ) -> None:
        for _ in range(2):
            assert service.run("sweep", settings=production).returncode == 0

        assert account.api.get("/api/v1/users/me").status_code == 200

    @pytest.mark.once_per("orm", "database")
    def test_unavailable_database_exits_1_with_one_line(
        self, service: Service, production: Settings, database: Database
    ) -> None:
        settings = {**production, "DATABASE_URL": database.absence().url}

        done = service.run("sweep", settings=settings)

        _assert_refused(done.returncode, done.stderr)


def _assert_refused(code: int, said: str) -> None:
    assert code in (1, 2)
    assert said.strip()
    assert "Traceback" not in said
