"""Guards of the services, removed or weakened one at a time: a test of the service finds each."""

from __future__ import annotations

from dataclasses import dataclass

FASTAPI_JWT = "fastapi-sqlalchemy-sqlite-jwt-async"
FLASK_SESSION = "flask-sqlalchemy-sqlite-session-sync"
NINJA_SESSION = "django-django-sqlite-session-async-ninja"
SERVICES = (FASTAPI_JWT, FLASK_SESSION, NINJA_SESSION)
"""The combinations whose services are tested, by their ID."""


@dataclass(frozen=True)
class Guard:
    """A text of a rendered service, and the weaker text that its tests must reject."""

    name: str
    service: str
    """The ID of the combination."""
    path: str
    """The file, in the folder of the package."""
    found: str
    planted: str
    tests: str
    """The file of the service's tests that finds it."""

    @property
    def id(self) -> str:
        """The name in test IDs."""
        return f"{self.service}-{self.name.replace(' ', '-')}"


def _of_sessions(service: str) -> tuple[Guard, ...]:
    """Return the guards that all services with sessions share."""
    cookies = "auth/cookies.py"
    return (
        Guard(
            "a cookie without Secure",
            service,
            cookies,
            '"; Secure" if settings.production else ""',
            '""',
            "auth/test_cookies.py",
        ),
        Guard(
            "a CSRF token of the current key only",
            service,
            cookies,
            "for key in settings.keys",
            "for key in settings.keys[:1]",
            "auth/test_cookies.py",
        ),
        Guard(
            "no CSRF token on PATCH",
            service,
            cookies,
            '"OPTIONS"}',
            '"OPTIONS", "PATCH"}',
            "auth/test_api.py",
        ),
        Guard(
            "no CSRF token on DELETE",
            service,
            cookies,
            '"OPTIONS"}',
            '"OPTIONS", "DELETE"}',
            "auth/test_api.py",
        ),
        Guard(
            "no CSRF token on POST",
            service,
            cookies,
            '"OPTIONS"}',
            '"OPTIONS", "POST"}',
            "auth/test_api.py",
        ),
    )


def _of_every_service(service: str) -> tuple[Guard, ...]:
    """Return the guards that all services share."""
    return (
        Guard(
            "a limit of bodies that is off by one",
            service,
            "guards.py",
            "> settings.max_body_bytes",
            ">= settings.max_body_bytes",
            "test_conventions.py",
        ),
        Guard(
            "no limit of bodies",
            service,
            "guards.py",
            "raise BodyTooLarge(",
            "BodyTooLarge(",
            "test_conventions.py",
        ),
        Guard(
            "any host",
            service,
            "guards.py",
            "raise ForeignHost",
            "return",
            "test_conventions.py",
        ),
        Guard(
            "any request id",
            service,
            "guards.py",
            "_REQUEST_ID.fullmatch(",
            "_REQUEST_ID.match(",
            "test_conventions.py",
        ),
        Guard(
            "credentials for every origin",
            service,
            "settings.py",
            "cors_allow_credentials: bool = False",
            "cors_allow_credentials: bool = True",
            "test_app.py",
        ),
    )


GUARDS = (
    *_of_every_service(FASTAPI_JWT),
    *_of_every_service(FLASK_SESSION),
    *_of_every_service(NINJA_SESSION),
    *_of_sessions(FLASK_SESSION),
    *_of_sessions(NINJA_SESSION),
    Guard(
        "a window of three seconds",
        FASTAPI_JWT,
        "auth/throttle.py",
        "timedelta(minutes=1)",
        "timedelta(seconds=3)",
        "auth/test_api.py",
    ),
    Guard(
        "no brake for a client address",
        FASTAPI_JWT,
        "auth/throttle.py",
        'f"peer:{client_network(peer)}"',
        'f"peer:{email}"',
        "auth/test_api.py",
    ),
    Guard(
        "one of two credentials",
        FASTAPI_JWT,
        "auth/scheme.py",
        'request.headers.getlist("Authorization")) > 1',
        'request.headers.getlist("Authorization")) > 2',
        "auth/test_api.py",
    ),
    Guard(
        "no log line of a failed login",
        FASTAPI_JWT,
        "auth/credentials.py",
        'log_event("authn_login_fail"',
        'dict(event="authn_login_fail"',
        "auth/test_events.py",
    ),
    Guard(
        "the email address in the log",
        FASTAPI_JWT,
        "auth/events.py",
        '{"is_active", "role"}',
        '{"is_active", "role", "email"}',
        "auth/test_events.py",
    ),
    Guard(
        "access tokens of the current key only",
        FASTAPI_JWT,
        "auth/tokens.py",
        "[*settings.keys]",
        "[*settings.keys[:1]]",
        "auth/test_tokens.py",
    ),
    Guard(
        "access tokens of any audience",
        FASTAPI_JWT,
        "auth/tokens.py",
        'options={"require": list(CLAIMS)}',
        'options={"require": list(CLAIMS), "verify_aud": False}',
        "auth/test_tokens.py",
    ),
    Guard(
        "access tokens that never expire",
        FASTAPI_JWT,
        "auth/tokens.py",
        'options={"require": list(CLAIMS)}',
        'options={"require": list(CLAIMS), "verify_exp": False}',
        "auth/test_tokens.py",
    ),
    Guard(
        "a window of three seconds",
        FLASK_SESSION,
        "auth/throttle.py",
        "timedelta(minutes=1)",
        "timedelta(seconds=3)",
        "auth/test_login.py",
    ),
    Guard(
        "no brake for a client address",
        FLASK_SESSION,
        "auth/throttle.py",
        'f"peer:{client_network(peer)}"',
        'f"peer:{email}"',
        "auth/test_login.py",
    ),
    Guard(
        "a cookie with any secret",
        FLASK_SESSION,
        "auth/authentication.py",
        'Login.secret_hash == bindparam("secret_hash")',
        'bindparam("secret_hash") != ""',
        "auth/test_api.py",
    ),
    Guard(
        "the query string in the log",
        FLASK_SESSION,
        "hooks.py",
        "path=request.path,",
        "path=request.full_path,",
        "test_process.py",
    ),
)
