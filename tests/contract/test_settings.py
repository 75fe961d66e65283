"""Settings: typed and checked at start, with one line for each wrong value and exit code 1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.harness.fixtures import OPEN_ORIGIN
from tests.harness.services import Service, free_port, secret_key

if TYPE_CHECKING:
    from tests.harness.fixtures import Settings

SECRET = "do-not-print-this-secret"  # noqa: S105 - what must not be printed

WRONG: list[dict[str, str | None]] = [
    # A start takes a second, so independent errors share one.
    {
        "LOG_LEVEL": "LOUD",
        "DOCS_ENABLED": "perhaps",
        "DEBUG": "perhaps",
        "MAX_BODY_BYTES": "lots",
        "DATABASE_URL": "nonsense",
        "CORS_ORIGINS": "app.example",
        "TRUSTED_PROXIES": "not-an-address",
        "PORT": "http",
        "WEB_CONCURRENCY": "0",
    },
    {
        "LOG_LEVEL": "",
        "MAX_BODY_BYTES": "-1",
        "MAX_BODY_SECONDS": "0",
        "DATABASE_URL": f"oracle://me:{SECRET}@127.0.0.1/db",
        "CORS_ORIGINS": f"{OPEN_ORIGIN}/path",
        "TRUSTED_PROXIES": "127.0.0.1,256.0.0.1",
        "PORT": "70000",
        "WEB_CONCURRENCY": "many",
    },
    {
        "MAX_BODY_BYTES": "0",
        "DATABASE_URL": f"://{SECRET}",
        "CORS_ORIGINS": f"{OPEN_ORIGIN},ftp://x",
    },
    {"ENVIRONMENT": "staging"},
]

REFUSED_IN_PRODUCTION: list[dict[str, str | None]] = [
    {"DEBUG": "true", "ALLOWED_HOSTS": "*", "DATABASE_URL": None},
    {"ALLOWED_HOSTS": "127.0.0.1,*", "DATABASE_URL": ""},
]

REFUSED_KEYS = [None, "", "x" * 31]


def _changed(settings: Settings, changes: dict[str, str | None]) -> Settings:
    return {name: value for name, value in {**settings, **changes}.items() if value is not None}


def _assert_refused(service: Service, settings: Settings, *names: str) -> None:
    done = service.run(
        "serve", settings={"HOST": "127.0.0.1", "PORT": str(free_port()), **settings}, seconds=10
    )

    assert done.returncode == 1, done.stdout + done.stderr
    said = done.stdout + done.stderr
    for name in names:
        lines = [line for line in said.splitlines() if re.match(rf"\W*{name}\b", line)]
        assert len(lines) == 1, f"{name}: {said}"
    assert "Traceback" not in said
    assert SECRET not in said
    if key := settings.get("SECRET_KEY"):
        assert len(key) < 10 or key not in said


@pytest.mark.once_per("framework", "database")
@pytest.mark.parametrize("wrong", WRONG, ids=["each", "each-again", "third", "environment"])
def test_each_invalid_value_stops_start_with_one_line(
    service: Service, production: Settings, wrong: dict[str, str | None]
) -> None:
    _assert_refused(service, _changed(production, wrong), *wrong)


@pytest.mark.once_per("framework", "database")
@pytest.mark.parametrize("unsafe", REFUSED_IN_PRODUCTION, ids=["unsafe", "unsafe-too"])
def test_production_rejects_unsafe_values(
    service: Service, production: Settings, unsafe: dict[str, str | None]
) -> None:
    _assert_refused(service, _changed(production, unsafe), *unsafe)


@pytest.mark.signing
@pytest.mark.once_per("framework", "auth")
@pytest.mark.parametrize("value", REFUSED_KEYS)
def test_production_rejects_missing_or_weak_key(
    service: Service, production: Settings, value: str | None
) -> None:
    _assert_refused(service, _changed(production, {"SECRET_KEY": value}), "SECRET_KEY")


@pytest.mark.signing
@pytest.mark.once_per("framework", "auth")
def test_production_rejects_key_of_env_example(service: Service, production: Settings) -> None:
    example = (service.folder / ".env.example").read_text(encoding="utf-8")
    (key,) = [
        line.partition("=")[2].strip().strip("\"'")
        for line in example.splitlines()
        if line.lstrip("# ").startswith("SECRET_KEY=")
    ]

    _assert_refused(service, {**production, "SECRET_KEY": key}, "SECRET_KEY")


@pytest.mark.signing
@pytest.mark.once_per("framework", "auth")
def test_rejects_weak_key_among_fallbacks(service: Service, production: Settings) -> None:
    keys = f"{secret_key()},{'x' * 31}"

    _assert_refused(service, {**production, "SECRET_KEY_FALLBACKS": keys}, "SECRET_KEY_FALLBACKS")


@pytest.mark.once_per("framework")
def test_environment_overrides_file(service: Service, production: Settings) -> None:
    file = service.folder / ".env"
    file.write_text("LOG_LEVEL=nonsense\n", encoding="utf-8")
    try:
        assert service.run("check", settings=production).returncode == 0
        done = service.run("check", settings=_changed(production, {"LOG_LEVEL": None}))
        assert done.returncode == 1
        assert "LOG_LEVEL" in done.stderr
    finally:
        file.unlink()
