"""Guards of the services, removed or weakened one at a time: a test of the service finds each."""

from __future__ import annotations

from dataclasses import dataclass

FASTAPI_JWT = "fastapi-sqlalchemy-sqlite-jwt-async"
FLASK_SESSION = "flask-sqlalchemy-sqlite-session-sync"
NINJA_SESSION = "django-django-sqlite-session-async-ninja"
DRF_JWT = "django-django-sqlite-jwt-sync-drf"
QUART_API_KEY = "flask-sqlmodel-sqlite-api-key-async"
FASTAPI_OIDC = "fastapi-sqlalchemy-sqlite-oidc-async"
SERVICES = (FASTAPI_JWT, FLASK_SESSION, NINJA_SESSION, DRF_JWT, QUART_API_KEY, FASTAPI_OIDC)
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


def _of_accounts(service: str, stored: str = "password_hash") -> tuple[Guard, ...]:
    """Return the guards that all services with accounts share. `stored` is the column of hashes."""
    credentials = "auth/credentials.py"
    verified = "auth/verified.py"
    throttle = "auth/throttle.py"
    verifies = "verify_password(password.get_secret_value(), stored)"
    tests = "auth/test_credentials.py"
    tests_of_verified = "auth/test_verified.py"
    return (
        Guard(
            "no brake for an account",
            service,
            throttle,
            'f"user:{user.id}" if user',
            'f"user:{peer}" if user',
            tests,
        ),
        Guard(
            "no brake for a client address",
            service,
            throttle,
            'f"peer:{client_network(peer)}"',
            'f"peer:{email}"',
            tests,
        ),
        Guard(
            "no brake for concurrent wrong passwords",
            service,
            credentials,
            "limit=throttle.FAILURES + 1",
            "limit=throttle.FAILURES + 100",
            tests,
        ),
        Guard(
            "no brake for a concurrent right password",
            service,
            credentials,
            "subjects=subjects)\n    return",
            "subjects=())\n    return",
            tests,
        ),
        Guard(
            "no hash for an unknown address",
            service,
            credentials,
            verifies,
            f"{verifies} if stored else (False, None)",
            tests,
        ),
        Guard(
            "a login of a deactivated user",
            service,
            credentials,
            " or not user.is_active",
            "",
            tests,
        ),
        Guard(
            "a login that ignores a new password",
            service,
            verified,
            f" or user.{stored} != verified.password_hash",
            "",
            tests_of_verified,
        ),
        Guard(
            "a login that ignores deactivation",
            service,
            verified,
            " or not user.is_active",
            "",
            tests_of_verified,
        ),
    )


def _of_stored_sessions(service: str) -> tuple[Guard, ...]:
    """Return the guards of sessions that SQLAlchemy stores."""
    authentication = "auth/authentication.py"
    tests = "auth/test_sessions.py"
    return (
        Guard(
            "an expired session",
            service,
            authentication,
            '        Login.expires_at > bindparam("now"),\n',
            "",
            tests,
        ),
        Guard(
            "a session without an absolute end",
            service,
            authentication,
            "min(now + IDLE, created_at + LIFETIME)",
            "now + IDLE",
            tests,
        ),
        Guard(
            "a cookie with any secret",
            service,
            authentication,
            'Login.secret_hash == bindparam("secret_hash")',
            'bindparam("secret_hash") != ""',
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
    *_of_every_service(DRF_JWT),
    *_of_every_service(QUART_API_KEY),
    *_of_every_service(FASTAPI_OIDC),
    *_of_accounts(FASTAPI_JWT),
    *_of_accounts(FLASK_SESSION),
    *_of_accounts(NINJA_SESSION, stored="password"),
    *_of_accounts(DRF_JWT, stored="password"),
    *_of_accounts(QUART_API_KEY),
    *_of_accounts(FASTAPI_OIDC),
    *_of_sessions(FLASK_SESSION),
    *_of_sessions(NINJA_SESSION),
    *_of_sessions(FASTAPI_OIDC),
    *_of_stored_sessions(FLASK_SESSION),
    *_of_stored_sessions(FASTAPI_OIDC),
    Guard(
        "a window of three seconds",
        FASTAPI_JWT,
        "auth/throttle.py",
        "timedelta(minutes=1)",
        "timedelta(seconds=3)",
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
        "the query string in the log",
        FLASK_SESSION,
        "hooks.py",
        "path=request.path,",
        "path=request.full_path,",
        "test_process.py",
    ),
    Guard(
        "the query string in the log",
        FASTAPI_JWT,
        "middleware.py",
        "path=_path(scope),",
        "path=f\"{_path(scope)}?{scope['query_string'].decode()}\",",
        "test_process.py",
    ),
    Guard(
        "the query string in the log",
        NINJA_SESSION,
        "middleware.py",
        "path=request.path_info,",
        "path=request.get_full_path(),",
        "test_process.py",
    ),
    Guard(
        "an expired session",
        NINJA_SESSION,
        "auth/authentication.py",
        '"expire_date__gt": now, ',
        "",
        "auth/test_sessions.py",
    ),
    Guard(
        "a session without an absolute end",
        NINJA_SESSION,
        "auth/authentication.py",
        '"created_at__gt": now - LIFETIME, ',
        "",
        "auth/test_sessions.py",
    ),
    Guard(
        "a session of the admin site without an absolute end",
        NINJA_SESSION,
        "auth/sessions.py",
        ", created_at__gt=oldest",
        "",
        "auth/test_sessions.py",
    ),
    Guard(
        "an access token of an expired login",
        FASTAPI_JWT,
        "auth/authentication.py",
        '        Login.expires_at > bindparam("now"),\n',
        "",
        "auth/test_logins.py",
    ),
    Guard(
        "an access token of an expired login",
        DRF_JWT,
        "auth/authentication.py",
        ', "logins__expires_at__gt": timezone.now()',
        "",
        "auth/test_logins.py",
    ),
    Guard(
        "an expired refresh token",
        FASTAPI_JWT,
        "auth/services.py",
        '        Login.expires_at > bindparam("now"),\n',
        "",
        "auth/test_logins.py",
    ),
    Guard(
        "an expired refresh token",
        DRF_JWT,
        "auth/logins.py",
        '"expires_at__gt": now, ',
        "",
        "auth/test_logins.py",
    ),
    Guard(
        "refresh tokens without an absolute end",
        FASTAPI_JWT,
        "auth/services.py",
        '        Login.created_at > bindparam("begun_after"),\n',
        "",
        "auth/test_logins.py",
    ),
    Guard(
        "refresh tokens without an absolute end",
        DRF_JWT,
        "auth/logins.py",
        ', "created_at__gt": now - max_age',
        "",
        "auth/test_logins.py",
    ),
    Guard(
        "a refresh token of a deactivated user",
        FASTAPI_JWT,
        "auth/services.py",
        "user and user.is_active and login",
        "user and login",
        "auth/test_logins.py",
    ),
    Guard(
        "a refresh token of a deactivated user",
        DRF_JWT,
        "auth/logins.py",
        "user and user.is_active and login",
        "user and login",
        "auth/test_logins.py",
    ),
    Guard(
        "an expired API key",
        QUART_API_KEY,
        "auth/authentication.py",
        'col(ApiKey.expires_at) > bindparam("now")',
        "col(ApiKey.expires_at).is_not(None)",
        "auth/test_authentication.py",
    ),
)
