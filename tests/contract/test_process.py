"""Life of the process: shutdown and logs."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.accounts import PASSWORD, new_account, new_email, register, try_password
from tests.harness.api import Api, Transcript
from tests.harness.fixtures import TRUSTED_PROXY
from tests.harness.raw import connect, head, read_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.databases import Database
    from tests.harness.fixtures import Settings, Start
    from tests.harness.services import Server, Service

STOP_SECONDS = 10
SLACK = 2
RESPAWN_SECONDS = 30


@pytest.mark.once_per("framework", "concurrency")
class TestStop:
    def test_idle_server_stops_at_once(self, start: Start) -> None:
        with start() as server:
            begun = time.monotonic()

            assert server.stop() == 0
            assert time.monotonic() - begun < 3

    def test_server_with_two_workers_stops_in_time(self, start: Start) -> None:
        """One worker may still be starting."""
        with start(workers=2) as server:
            begun = time.monotonic()

            assert server.stop() == 0
            assert time.monotonic() - begun < STOP_SECONDS + SLACK

    def test_idle_connection_does_not_delay_stop(self, start: Start) -> None:
        with start() as server, connect(server) as connection:
            connection.sendall(head(server, "GET /health/live HTTP/1.1"))
            assert read_answer(connection).status == 200
            begun = time.monotonic()

            assert server.stop() == 0
            assert time.monotonic() - begun < 5

    def test_finishes_open_requests_and_accepts_no_new_ones(
        self, service: Service, database: Database, start: Start, transcript: Transcript
    ) -> None:
        with start() as server:
            caller = _caller(server, service, transcript)
            answers: list[int] = []
            post = threading.Thread(
                target=lambda: answers.append(
                    caller.post("/api/v1/items", json={"title": "under way"}).status_code
                )
            )
            with database.holding_writes():
                post.start()
                time.sleep(0.5)
                server.process.send_signal(signal.SIGTERM)
                assert _stops_listening(server)
                assert answers == []
                assert server.process.poll() is None
            post.join()

            assert answers == [201]
            assert server.process.wait(STOP_SECONDS) == 0

    def test_endless_request_delays_stop_by_ten_seconds_at_most(self, start: Start) -> None:
        with start() as server, connect(server) as connection:
            connection.sendall(
                head(
                    server,
                    "POST /api/v1/items HTTP/1.1",
                    "Content-Type: application/json",
                    "Content-Length: 100",
                )
                + b'{"title": '
            )
            time.sleep(0.3)
            begun = time.monotonic()

            assert server.stop() == 0
            assert time.monotonic() - begun < STOP_SECONDS + SLACK

    def test_interrupt_stops_server(self, start: Start) -> None:
        with start() as server:
            server.process.send_signal(signal.SIGINT)

            assert server.process.wait(STOP_SECONDS) in (0, 130, -signal.SIGINT)


@pytest.mark.once_per("framework", "concurrency")
class TestWorkers:
    def test_worker_that_dies_is_replaced(self, start: Start) -> None:
        with start(workers=2) as server:
            before = _workers(server)
            victim = min(before)
            os.kill(victim, signal.SIGKILL)

            assert _becomes_true(lambda: len(_workers(server) - {victim}) == 2)
            assert _becomes_true(lambda: _answers(server))
            assert server.process.poll() is None
            assert server.stop() == 0


def _workers(server: Server) -> set[int]:
    threads = Path(f"/proc/{server.process.pid}/task").glob("*/children")
    children = {int(each) for thread in threads for each in thread.read_text().split()}
    # A process that has ended and has not been waited for has no command line.
    return {each for each in children if "serve" in _command_line(each)}


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return ""


def _answers(server: Server) -> bool:
    try:
        with connect(server) as connection:
            connection.sendall(head(server, "GET /health/live HTTP/1.1"))
            return read_answer(connection).status == 200
    except OSError:
        return False


def _becomes_true(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + RESPAWN_SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _stops_listening(server: Server) -> bool:
    end = time.monotonic() + 3
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except OSError:
            return True
        time.sleep(0.05)
    return False


def _caller(server: Server, service: Service, transcript: Transcript) -> Api:
    api = Api(server.url, transcript)
    return new_account(api, service.combination.auth).api if service.has_accounts else api


class TestLog:
    def test_production_logs_one_json_object_per_line(
        self, caller: Api, own_server: Server
    ) -> None:
        caller.get("/api/v1/items", headers={"X-Request-ID": f"log-{uuid.uuid4()}"})

        lines = own_server.log().splitlines()
        assert lines
        for line in lines:
            assert isinstance(json.loads(line), dict), line

    def test_warns_once_of_peer_that_forwards_and_is_not_trusted(
        self, start: Start, transcript: Transcript
    ) -> None:
        with start() as server, Api(server.url, transcript) as proxy:
            for _ in range(3):
                proxy.get("/health/live", headers={"X-Forwarded-For": "203.0.113.1"})
            server.stop()
            lines = [line for line in server.log().splitlines() if "TRUSTED_PROXIES" in line]

        (warning,) = map(json.loads, lines)
        assert warning["level"] == "warning"
        assert warning["peer"]

    def test_trusted_proxy_logs_no_warning(self, start: Start, transcript: Transcript) -> None:
        with start(TRUSTED_PROXIES=TRUSTED_PROXY) as server:
            with Api(server.url, transcript, peer=TRUSTED_PROXY) as proxy:
                proxy.get("/health/live", headers={"X-Forwarded-For": "203.0.113.1"})
            server.stop()

            assert "TRUSTED_PROXIES" not in server.log()

    def test_every_request_logs_method_path_and_status(
        self, caller: Api, own_server: Server
    ) -> None:
        request_id = f"log-{uuid.uuid4()}"

        caller.get("/api/v1/items", headers={"X-Request-ID": request_id})

        (line,) = map(json.loads, own_server.lines_of(request_id))
        assert line["request_id"] == request_id
        assert "GET" in line.values()
        assert "/api/v1/items" in line.values()
        assert 200 in line.values()

    def test_client_input_cannot_start_a_log_line(self, caller: Api, own_server: Server) -> None:
        caller.get("/api/v1/%0A%7B%22forged%22%3A%22line%22%7D")

        for line in own_server.log().splitlines():
            assert not line.startswith('{"forged"')

    @pytest.mark.once_per("framework", "concurrency")
    def test_local_log_is_readable_text(self, start: Start) -> None:
        with start(ENVIRONMENT="local") as server:
            with connect(server) as connection:
                connection.sendall(head(server, "GET /health/ready HTTP/1.1"))
                read_answer(connection)
            server.stop()

            lines = server.log().splitlines()
            assert any("/health/ready" in line for line in lines)
            assert not [line for line in lines if line.startswith("{")]

    @pytest.mark.accounts
    def test_security_events_name_user_and_client_behind_proxy(
        self, service: Service, start: Start, transcript: Transcript
    ) -> None:
        request_id, client, wrong = f"log-{uuid.uuid4()}", "203.0.113.7", "a wrong password 1"
        headers = {"X-Request-ID": request_id, "X-Forwarded-For": client}
        with (
            start(TRUSTED_PROXIES=TRUSTED_PROXY) as server,
            Api(server.url, transcript, peer=TRUSTED_PROXY) as proxy,
        ):
            account = new_account(proxy, service.combination.auth)
            sent = {**account.api.credentials, **headers}
            caller = account.api.again(peer=TRUSTED_PROXY, headers=sent)
            for password in (wrong, PASSWORD):
                change = {"current_password": password, "password": "another battery staple"}
                caller.patch("/api/v1/users/me", json=change)
            caller.get("/api/v1/users")
            server.stop()
            lines = [line for line in server.log().splitlines() if request_id in line]

        assert [_event(json.loads(line)) for line in lines] == [
            ("authn_login_fail", "warning", account.id, client),
            ("request", "info", None, client),
            ("authn_password_change", "info", account.id, client),
            ("request", "info", None, client),
            ("authz_fail", "warning", account.id, client),
            ("request", "info", None, client),
        ]
        for secret in (wrong, PASSWORD, "another battery", "argon2", account.email):
            assert secret not in "".join(lines)

    @pytest.mark.once_per("framework", "auth")
    def test_log_contains_no_secret(
        self,
        service: Service,
        production: Settings,
        database: Database,
        start: Start,
        transcript: Transcript,
    ) -> None:
        with start(LOG_LEVEL="DEBUG") as server:
            secrets = [production["DATABASE_URL"]]
            if service.has_accounts:
                secrets += _use_secrets(server, service, transcript)
            if service.combination.signs:
                secrets.append(production["SECRET_KEY"])
            caller = _caller(server, service, transcript)
            with database.refusing_title("the bug"):
                assert caller.post("/api/v1/items", json={"title": "the bug"}).status_code == 500
            secrets += [re.split("[ =]", each)[-1] for each in caller.credentials.values()]
            server.stop()

            for each in secrets:
                assert each not in server.log(), each


def _event(line: dict[str, Any]) -> tuple[str, str, str | None, str]:
    return line["event"], line["level"], line.get("user_id"), line["peer"]


def _use_secrets(server: Server, service: Service, transcript: Transcript) -> list[str]:
    """Send every request that carries a secret, valid and invalid, and return the secrets."""
    api = Api(server.url, transcript)
    account = new_account(api, service.combination.auth)
    wrong, new = "a wrong password 1", "a new password 234"
    register(api, email=account.email, password=wrong)
    register(api, email="nothing", password=wrong)
    try_password(api, service.combination.auth, account.email, wrong)
    account.api.patch("/api/v1/users/me", json={"password": new, "current_password": wrong})
    account.api.patch("/api/v1/users/me", json={"password": new, "current_password": PASSWORD})
    tokens = [each for each in account.tokens.values() if isinstance(each, str) and len(each) > 20]
    for each in tokens:
        api.post("/api/v1/auth/refresh", json={"refresh_token": each})
        api.post("/api/v1/auth/logout", json={"refresh_token": each})
        for name, before in (("Authorization", "Bearer "), ("Cookie", "__Host-session=")):
            api.get("/api/v1/users/me", headers={name: f"{before}{each}x"})
        api.get("/api/v1/users/me", headers={"X-API-Key": f"{each}x"})
        api.post(
            "/api/v1/items", json={}, headers={**account.api.credentials, "X-CSRF-Token": each}
        )
        api.get("/api/v1/items", params={"access_token": each})
    register(api, email=new_email(), password=new)
    return [PASSWORD, wrong, new, *tokens]
