"""Guards of the services, removed or weakened one at a time: a test of the service finds each."""

from __future__ import annotations

from dataclasses import dataclass

FASTAPI_JWT = "fastapi-sqlalchemy-postgresql-jwt-async"
FLASK_SESSION = "flask-sqlalchemy-sqlite-session-sync"
NINJA_SESSION = "django-django-sqlite-session-async-ninja"
DRF_JWT = "django-django-postgresql-jwt-sync-drf"
QUART_API_KEY = "flask-sqlmodel-postgresql-api-key-async"
FASTAPI_OIDC = "fastapi-sqlalchemy-postgresql-oidc-async"
NINJA_API_KEY = "django-django-sqlite-api-key-async-ninja"
SERVICES = (
    FASTAPI_JWT,
    FLASK_SESSION,
    NINJA_SESSION,
    DRF_JWT,
    QUART_API_KEY,
    FASTAPI_OIDC,
    NINJA_API_KEY,
)
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


def _of_the_process(service: str, path: str, proxies: str) -> tuple[Guard, ...]:
    """Return the guards of the server. `proxies` is the argument with the trusted proxies."""
    return (
        Guard(
            "trusted proxies are ignored",
            service,
            path,
            f"trusted_hosts={proxies}",
            "trusted_hosts=[]",
            "test_process.py",
        ),
        Guard(
            "every address of a chain of proxies is trusted",
            service,
            path,
            f"trusted_hosts={proxies}",
            'trusted_hosts="*"',
            "test_process.py",
        ),
        Guard(
            "no HTTPS in production",
            service,
            "guards.py",
            "    if settings.production:",
            "    if settings.debug:",
            "test_process.py",
        ),
    )


def _of_locks(service: str) -> tuple[Guard, ...]:
    """Return the guards of services whose rows SQLAlchemy locks."""
    return (
        Guard(
            "no lock of a user",
            service,
            "users/locks.py",
            "\n    .with_for_update()",
            "",
            "users/test_api.py",
        ),
        Guard(
            "no lock of the admins",
            service,
            "users/services.py",
            "\n    .with_for_update()",
            "",
            "users/test_api.py",
        ),
        Guard(
            "no lock of an item",
            service,
            "items/services.py",
            ".with_for_update()",
            "",
            "items/test_api.py",
        ),
    )


GUARDS = (
    *_of_every_service(FASTAPI_JWT),
    *_of_every_service(FLASK_SESSION),
    *_of_every_service(NINJA_SESSION),
    *_of_every_service(DRF_JWT),
    *_of_every_service(QUART_API_KEY),
    *_of_every_service(FASTAPI_OIDC),
    *_of_the_process(FASTAPI_JWT, "app.py", "proxies"),
    *_of_the_process(FLASK_SESSION, "app.py", "[*settings.trusted_proxies]"),
    *_of_the_process(NINJA_SESSION, "config/asgi.py", "[*SERVICE.trusted_proxies]"),
    *_of_the_process(DRF_JWT, "config/wsgi.py", "[*SERVICE.trusted_proxies]"),
    *_of_the_process(QUART_API_KEY, "app.py", "[*settings.trusted_proxies]"),
    *_of_locks(FASTAPI_JWT),
    *_of_locks(QUART_API_KEY),
    *_of_locks(FASTAPI_OIDC),
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
        "an expired login at the issuer",
        FASTAPI_OIDC,
        "auth/pending.py",
        "PendingLogin.expires_at > bindparam",
        "PendingLogin.expires_at != bindparam",
        "auth/test_login.py",
    ),
    Guard(
        "a login of another browser",
        FASTAPI_OIDC,
        "auth/redirects.py",
        "raise LoginRefused",
        "return",
        "auth/test_login.py",
    ),
    Guard(
        "an issuer without TLS in production",
        FASTAPI_OIDC,
        "settings.py",
        "ISSUER if _is_production(info) else LOCAL_ISSUER",
        "LOCAL_ISSUER",
        "test_settings.py",
    ),
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
    Guard(
        "no lock of a user",
        DRF_JWT,
        "users/locks.py",
        ".select_for_update()",
        "",
        "users/test_api.py",
    ),
    Guard(
        "no lock of the admins",
        DRF_JWT,
        "users/services.py",
        ".select_for_update()",
        "",
        "users/test_api.py",
    ),
    Guard(
        "no lock of the admins on the admin site",
        DRF_JWT,
        "users/services.py",
        ".select_for_update()",
        "",
        "test_admin.py",
    ),
    Guard(
        "no lock of a login",
        DRF_JWT,
        "auth/logins.py",
        ".select_for_update()",
        "",
        "auth/test_api.py",
    ),
    Guard(
        "no lock of a login",
        FASTAPI_JWT,
        "auth/services.py",
        "\n    .with_for_update()",
        "",
        "auth/test_api.py",
    ),
    Guard(
        "no lock of a login at the issuer",
        FASTAPI_OIDC,
        "auth/pending.py",
        "\n    .with_for_update()",
        "",
        "auth/test_login.py",
    ),
    Guard(
        "no lock of the user of a new API key",
        QUART_API_KEY,
        "api_keys/services.py",
        "    await lock_user(session, user_id=user_id)\n    if by",
        "    if by",
        "api_keys/test_api.py",
    ),
    Guard(
        "no lock of the user of a new password",
        FASTAPI_JWT,
        "auth/set_password.py",
        "    await lock_user(session, user_id=user.id)\n",
        "",
        "auth/test_set_password.py",
    ),
    Guard(
        "no lock of the database",
        FLASK_SESSION,
        "engine.py",
        "BEGIN IMMEDIATE",
        "BEGIN",
        "test_engine.py",
    ),
    Guard(
        "no lock of the database",
        NINJA_SESSION,
        "config/databases.py",
        '"IMMEDIATE"',
        '"DEFERRED"',
        "test_databases.py",
    ),
    Guard(
        "no limit of a chunked body",
        FASTAPI_JWT,
        "middleware.py",
        "            check_size(received, self.settings)\n",
        "",
        "test_middleware.py",
    ),
    Guard(
        "no limit of an unread body",
        FASTAPI_JWT,
        "middleware.py",
        "while unread and received <= self.settings.max_body_bytes:",
        "while unread:",
        "test_middleware.py",
    ),
    Guard(
        "no end of a late body",
        FASTAPI_JWT,
        "middleware.py",
        "raise RequestTimeout from None",
        "raise",
        "test_middleware.py",
    ),
    Guard(
        "no end of a chunked body",
        NINJA_SESSION,
        "bodies.py",
        "while more and len(body) <= limit:",
        "while more:",
        "test_bodies.py",
    ),
    Guard(
        "an incomplete body",
        NINJA_SESSION,
        "bodies.py",
        'BadRequest("The request body is incomplete.")',
        "None",
        "test_bodies.py",
    ),
    Guard(
        "no end of a chunked body",
        DRF_JWT,
        "bodies.py",
        "while more and len(body) <= limit:",
        "while more:",
        "test_threads.py",
    ),
    Guard(
        "an incomplete body",
        DRF_JWT,
        "bodies.py",
        'BadRequest("The request body is incomplete.")',
        "None",
        "test_threads.py",
    ),
    Guard(
        "no end of a chunked body",
        FLASK_SESSION,
        "bodies.py",
        "while more and len(body) <= limit:",
        "while more:",
        "test_threads.py",
    ),
    Guard(
        "an incomplete body",
        FLASK_SESSION,
        "bodies.py",
        'BadRequest("The request body is incomplete.")',
        "None",
        "test_threads.py",
    ),
    Guard(
        "no length of a chunked body",
        NINJA_SESSION,
        "config/asgi.py",
        'if b"transfer-encoding" in headers:',
        "if not headers:",
        "test_bodies.py",
    ),
    Guard(
        "no length of a chunked body",
        FLASK_SESSION,
        "threads.py",
        "max(length, len(body))",
        "length",
        "test_threads.py",
    ),
    Guard(
        "no length of a chunked body",
        DRF_JWT,
        "threads.py",
        "max(length, len(body))",
        "length",
        "test_threads.py",
    ),
    Guard(
        "no limit of a chunked body",
        FLASK_SESSION,
        "hooks.py",
        "        check_size(len(g.body), settings)\n",
        "",
        "test_body_size.py",
    ),
    Guard(
        "no limit of a chunked body",
        QUART_API_KEY,
        "hooks.py",
        "        check_size(len(g.body), settings)\n",
        "",
        "test_body_size.py",
    ),
    Guard(
        "no end of a chunked body",
        QUART_API_KEY,
        "body_limit.py",
        " and size <= self.limit",
        "",
        "test_body_size.py",
    ),
    Guard(
        "an incomplete body",
        QUART_API_KEY,
        "body_limit.py",
        '                scope[BODY_ERROR] = BadRequest("The request body is incomplete.")\n',
        "",
        "test_body_size.py",
    ),
    Guard(
        "no limit of the time of a body",
        QUART_API_KEY,
        "hooks.py",
        "settings.max_body_seconds",
        "60",
        "test_body_size.py",
    ),
    Guard(
        "a limit of chunked bodies that is off by one",
        FLASK_SESSION,
        "hooks.py",
        "settings.max_body_bytes + 1",
        "settings.max_body_bytes",
        "test_body_size.py",
    ),
    Guard(
        "an expired API key",
        NINJA_API_KEY,
        "auth/authentication.py",
        "unexpired, prefix",
        "prefix",
        "auth/test_authentication.py",
    ),
    Guard(
        "an API key of a deactivated user",
        NINJA_API_KEY,
        "auth/authentication.py",
        ", user__is_active=True",
        "",
        "auth/test_authentication.py",
    ),
    Guard(
        "an API key of a deactivated user",
        QUART_API_KEY,
        "auth/authentication.py",
        "        col(User.is_active),\n",
        "",
        "auth/test_authentication.py",
    ),
    Guard(
        "API keys after deactivation on the admin site",
        NINJA_API_KEY,
        "users/admin.py",
        "            revoke_keys(user_id=obj.id)",
        "            pass",
        "test_admin.py",
    ),
    Guard(
        "logins after deactivation on the admin site",
        DRF_JWT,
        "users/admin.py",
        "            end_logins(user_id=obj.id)",
        "            pass",
        "test_admin.py",
    ),
    Guard(
        "an access token of a deactivated user",
        FASTAPI_JWT,
        "auth/authentication.py",
        "        User.is_active,\n",
        "",
        "auth/test_logins.py",
    ),
    Guard(
        "an access token of a deactivated user",
        DRF_JWT,
        "auth/authentication.py",
        "is_active=True, ",
        "",
        "auth/test_logins.py",
    ),
    Guard(
        "a session of a deactivated user",
        FLASK_SESSION,
        "auth/authentication.py",
        "        User.is_active,\n",
        "",
        "auth/test_sessions.py",
    ),
    Guard(
        "a session of a deactivated user",
        FASTAPI_OIDC,
        "auth/authentication.py",
        "        User.is_active,\n",
        "",
        "auth/test_sessions.py",
    ),
    Guard(
        "a session of a deactivated user",
        NINJA_SESSION,
        "auth/authentication.py",
        ', "user__is_active": True',
        "",
        "auth/test_sessions.py",
    ),
    Guard(
        "logins after deactivation on the admin site",
        NINJA_SESSION,
        "users/admin.py",
        "            end_logins(user_id=obj.id)",
        "            pass",
        "test_admin.py",
    ),
    Guard(
        "two schemas with one name",
        NINJA_SESSION,
        "description.py",
        "                    claim_names(field.annotation)",
        "                    pass",
        "test_description.py",
    ),
    Guard(
        "two schemas with one name",
        FLASK_SESSION,
        "operations.py",
        "        claim_names(answer, *hints.values())\n",
        "",
        "test_operations.py",
    ),
    Guard(
        "two schemas with one name",
        DRF_JWT,
        "description.py",
        "    if GENERATOR_STATS:",
        "    if not document:",
        "test_description.py",
    ),
)
