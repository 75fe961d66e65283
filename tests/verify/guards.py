"""Guards of the services, removed or weakened one at a time: a test of the service finds each."""

from __future__ import annotations

from dataclasses import dataclass

FASTAPI_JWT = "fastapi-sqlalchemy-postgresql-jwt-async"
FLASK_SESSION = "flask-sqlalchemy-sqlite-session-sync"
NINJA_SESSION = "django-django-sqlite-session-async-ninja"
DRF_JWT = "django-django-postgresql-jwt-sync-drf"
QUART_API_KEY = "flask-sqlmodel-postgresql-api-key-async"
FASTAPI_OIDC = "fastapi-sqlalchemy-postgresql-oidc-async"
DRF_OIDC = "django-django-postgresql-oidc-sync-drf"
NINJA_API_KEY = "django-django-sqlite-api-key-async-ninja"
CACHED_FASTAPI = "fastapi-sqlalchemy-sqlite-jwt-async-cache-redis"
CACHED_DRF = "django-django-sqlite-session-sync-drf-cache-redis"
SERVICES = (
    FASTAPI_JWT,
    FLASK_SESSION,
    NINJA_SESSION,
    DRF_JWT,
    QUART_API_KEY,
    FASTAPI_OIDC,
    DRF_OIDC,
    NINJA_API_KEY,
    CACHED_FASTAPI,
    CACHED_DRF,
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
        Guard(
            "no check of CSRF tokens",
            service,
            "auth/authentication.py",
            "        check_csrf(cookie, csrf_token, settings,",
            "        dict(",
            "auth/test_api.py",
        ),
        Guard(
            "any CSRF token",
            service,
            cookies,
            "        raise CsrfFailure",
            "        pass",
            "auth/test_api.py",
        ),
        Guard(
            "a session cookie that scripts can read",
            service,
            cookies,
            " HttpOnly;",
            "",
            "auth/test_cookies.py",
        ),
        Guard(
            "a session cookie of other sites",
            service,
            cookies,
            " SameSite=Lax",
            " SameSite=None",
            "auth/test_cookies.py",
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


def _of_declared_lengths(service: str) -> Guard:
    """Return the guard against a Content-Length over the limit.

    Not of sync Django, whose own DATA_UPLOAD_MAX_MEMORY_SIZE answers the same when it reads a body.
    """
    return Guard(
        "no limit of bodies",
        service,
        "guards.py",
        "raise BodyTooLarge(",
        "BodyTooLarge(",
        "test_conventions.py",
    )


def _of_other_origins(service: str) -> tuple[Guard, ...]:
    """Return the guards of the CORS policy, which FastAPI brings itself."""
    path = "cors.py"
    tests = "test_app.py"
    return (
        Guard(
            "a preflight of any origin",
            service,
            path,
            '        not _is_listed(headers.get("Origin"), settings)\n        or ',
            "        ",
            tests,
        ),
        Guard(
            "a preflight with any method",
            service,
            path,
            'or headers.get("Access-Control-Request-Method") not in settings.cors_allow_methods',
            "or False",
            tests,
        ),
        Guard(
            "a preflight with any header",
            service,
            path,
            "or not known.issuperset(name.strip() for name in wanted)",
            "or False",
            tests,
        ),
        Guard(
            "a response for any origin",
            service,
            path,
            "if origin is None or not _is_listed(origin, settings):",
            "if origin is None:",
            tests,
        ),
        Guard(
            "credentials of every origin",
            service,
            path,
            "if settings.cors_allow_credentials:",
            "if settings.cors_origins:",
            tests,
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
        *_of_headers(service),
    )


def _of_headers(service: str) -> tuple[Guard, ...]:
    """Return the guards in the headers of responses."""
    tests = "test_conventions.py"
    return (
        Guard(
            "responses of any content type",
            service,
            "guards.py",
            '        "X-Content-Type-Options": "nosniff",\n',
            "",
            tests,
        ),
        Guard(
            "pages in any frame",
            service,
            "guards.py",
            '        "X-Frame-Options": "DENY",\n',
            "",
            tests,
        ),
        Guard(
            "caches keep responses of the API",
            service,
            "guards.py",
            '        headers["Cache-Control"] = "no-store"',
            "        pass",
            tests,
        ),
        Guard(
            "other sites see the URL",
            service,
            "guards.py",
            'else "no-referrer"',
            'else "unsafe-url"',
            tests,
        ),
        Guard(
            "other sites see the URL of the page",
            service,
            "guards.py",
            '"same-origin" if is_page',
            '"unsafe-url" if is_page',
            tests,
        ),
    )


def _of_the_page(service: str) -> tuple[Guard, ...]:
    """Return the guards in the headers of the documentation page."""
    tests = "test_conventions.py"
    return (
        Guard(
            "scripts from any host on the page",
            service,
            "docs_page.py",
            "script-src 'self'",
            "script-src *",
            tests,
        ),
        Guard(
            "the page in any frame",
            service,
            "docs_page.py",
            "; frame-ancestors 'none'",
            "",
            tests,
        ),
        Guard(
            "any content on the page",
            service,
            "docs_page.py",
            "default-src 'none'; ",
            "",
            tests,
        ),
    )


def _of_settings(service: str) -> tuple[Guard, ...]:
    """Return the guards in the settings that all services share."""
    path = "settings.py"
    tests = "test_settings.py"
    return (
        Guard(
            "debug in production",
            service,
            "environment.py",
            "        if value and is_production(info):\n"
            '            raise ValueError("must be off in production")\n',
            "",
            tests,
        ),
        *_of_databases(service),
        Guard(
            "every host in production",
            service,
            path,
            '        if "*" in value and is_production(info):',
            '        if "*" in value and not value:',
            tests,
        ),
        Guard(
            "a wildcard in a host",
            service,
            path,
            '        if any("*" in host and host != "*" for host in value):',
            '        if any("*" in host and host == "" for host in value):',
            tests,
        ),
        Guard(
            "credentials for a wildcard origin",
            service,
            path,
            """        if value and "*" in info.data.get("cors_origins", ()):""",
            """        if value and not info:""",
            tests,
        ),
        Guard(
            "any CORS origin",
            service,
            path,
            'raise ValueError("must be origins',
            'ValueError("must be origins',
            tests,
        ),
        Guard(
            "an origin with a path",
            service,
            path,
            r"https?://[^/\s]+",
            r"https?://[^\s]+",
            tests,
        ),
        Guard(
            "any name of a header or method",
            service,
            path,
            'raise ValueError("must be names',
            'ValueError("must be names',
            tests,
        ),
        Guard(
            "any CORS header",
            service,
            path,
            "cors_allow_headers: Annotated[tuple[Name, ...]",
            "cors_allow_headers: Annotated[tuple[str, ...]",
            tests,
        ),
        Guard(
            "any CORS method",
            service,
            path,
            "cors_allow_methods: Annotated[tuple[Name, ...]",
            "cors_allow_methods: Annotated[tuple[str, ...]",
            tests,
        ),
        Guard(
            "any trusted proxy",
            service,
            path,
            '        ip_network("0.0.0.0/0" if value == "*" else value)',
            '        ip_network("0.0.0.0/0")',
            tests,
        ),
        Guard(
            "any prefix",
            service,
            path,
            'raise ValueError("must be a path that',
            'ValueError("must be a path that',
            tests,
        ),
        Guard(
            "a prefix of the service's own paths",
            service,
            path,
            "(?!/(?:api|docs|health|openapi\\.json)(?:/|$))",
            "",
            "test_prefix.py",
        ),
        Guard(
            "a prefix with dots",
            service,
            path,
            "(?!\\.{1,2}(?:/|$))",
            "",
            "test_prefix.py",
        ),
        Guard(
            "the prefix of any proxy",
            service,
            "prefix.py",
            " and _is_trusted(peer, settings)",
            "",
            "test_prefix.py",
        ),
        Guard(
            "invalid default settings",
            service,
            "environment.py",
            "validate_default=True",
            "validate_default=False",
            tests,
        ),
        Guard(
            "rejected values in the error",
            service,
            "environment.py",
            "        hide_input_in_errors=True,\n",
            "",
            tests,
        ),
        Guard(
            "any port",
            service,
            path,
            "Field(ge=1, le=65535)",
            "Field(le=65535)",
            tests,
        ),
        Guard(
            "a port that is too large",
            service,
            path,
            "Field(ge=1, le=65535)",
            "Field(ge=1)",
            tests,
        ),
        Guard(
            "any limit of bodies",
            service,
            path,
            "max_body_bytes: PositiveInt",
            "max_body_bytes: int",
            tests,
        ),
        Guard(
            "any time of bodies",
            service,
            path,
            "max_body_seconds: PositiveFloat",
            "max_body_seconds: float",
            tests,
        ),
        Guard(
            "any pool of connections",
            service,
            "database_settings.py",
            "database_pool_size: PositiveInt",
            "database_pool_size: int",
            tests,
        ),
        Guard(
            "any number of workers",
            service,
            path,
            "web_concurrency: PositiveInt",
            "web_concurrency: int",
            tests,
        ),
    )


def _of_databases(service: str) -> tuple[Guard, ...]:
    """Return the guards in the setting of the database."""
    path = "database_settings.py"
    tests = "test_settings.py"
    return (
        Guard(
            "no database in production",
            service,
            path,
            "        if not url and not is_production(info):",
            "        if not url:",
            tests,
        ),
        Guard(
            "any database",
            service,
            path,
            "        if not url.startswith(",
            "        if not url and url.startswith(",
            tests,
        ),
        Guard(
            "any parameter of a database",
            service,
            path,
            "        check(url)\n",
            "",
            tests,
        ),
    )


def _of_keys(service: str) -> tuple[Guard, ...]:
    """Return the guards in the settings of services that sign."""
    path = "secret_key.py"
    tests = "test_settings.py"
    return (
        Guard(
            "no key in production",
            service,
            path,
            "        if not secret and not is_production(info):",
            "        if not secret:",
            tests,
        ),
        Guard(
            "the example key in production",
            service,
            path,
            "        if secret == EXAMPLE_SECRET_KEY and is_production(info):",
            "        if secret == EXAMPLE_SECRET_KEY and not secret:",
            tests,
        ),
        Guard(
            "a short key",
            service,
            path,
            "        if len(secret.encode()) < MIN_SECRET_BYTES:",
            "        if len(secret.encode()) < 1:",
            tests,
        ),
        Guard(
            "a key of 31 bytes",
            service,
            path,
            "MIN_SECRET_BYTES = 32",
            "MIN_SECRET_BYTES = 31",
            tests,
        ),
        Guard(
            "a short old key",
            service,
            path,
            "len(key.get_secret_value().encode()) < MIN_SECRET_BYTES",
            "not key.get_secret_value()",
            tests,
        ),
    )


def _of_the_issuer(service: str) -> tuple[Guard, ...]:
    """Return the guards of logins at an issuer."""
    oidc = "auth/oidc.py"
    redirects = "auth/redirects.py"
    tests = "auth/test_login.py"
    return (
        Guard(
            "any nonce",
            service,
            oidc,
            '                "nonce": nonce,\n                "client_id"',
            '                "client_id"',
            tests,
        ),
        Guard(
            "an ID token of another issuer",
            service,
            oidc,
            '                "iss": {"essential": True, "value": self._name},\n',
            "",
            tests,
        ),
        Guard(
            "an ID token for another client",
            service,
            oidc,
            '                "aud": {"essential": True, "value": self._client_id},\n',
            "",
            tests,
        ),
        Guard(
            "an ID token of another authorized party",
            service,
            oidc,
            '                "client_id": self._client_id,\n',
            "",
            tests,
        ),
        Guard(
            "an ID token of another access token",
            service,
            oidc,
            '                "access_token": tokens.get("access_token"),\n',
            "",
            tests,
        ),
        Guard(
            "claims that are not validated",
            service,
            oidc,
            "        claims.validate(leeway=CLOCK_SKEW_SECONDS)\n",
            "",
            tests,
        ),
        Guard(
            "an ID token that expired an hour ago",
            service,
            oidc,
            "CLOCK_SKEW_SECONDS = 60",
            "CLOCK_SKEW_SECONDS = 3600",
            tests,
        ),
        Guard(
            "an ID token without a signature",
            service,
            oidc,
            '"RS256", "PS256", "ES256")',
            '"RS256", "PS256", "ES256", "none")',
            tests,
        ),
        Guard(
            "the metadata of another issuer",
            service,
            oidc,
            '            if description.get("issuer") != self._name:\n'
            "                raise IssuerDown\n",
            "",
            tests,
        ),
        Guard(
            "the address of another person",
            service,
            oidc,
            ' == claims["sub"]',
            "",
            tests,
        ),
        Guard(
            "any subject",
            service,
            oidc,
            "        if not subject.isprintable() or not 0 < len(subject) <= MAX_LENGTH:\n"
            "            raise LoginRefused\n",
            "",
            tests,
        ),
        Guard(
            "a malformed address",
            service,
            oidc,
            '        validate_email(claims["email"])\n',
            "",
            tests,
        ),
        Guard(
            "an address that the issuer has not verified",
            service,
            oidc,
            "self.email if self.email_verified else self.placeholder",
            "self.email",
            tests,
        ),
        Guard(
            "any value as a verified address",
            service,
            oidc,
            'claims.get("email_verified") is True',
            'bool(claims.get("email_verified"))',
            tests,
        ),
        Guard(
            "a code without its verifier",
            service,
            oidc,
            "code_verifier=code_verifier,\n                )\n                claims",
            ")\n                claims",
            tests,
        ),
        Guard(
            "a state cookie without Secure",
            service,
            redirects,
            '"; Secure" if settings.production else ""',
            '""',
            "auth/test_redirects.py",
        ),
        Guard(
            "a state cookie that scripts can read",
            service,
            redirects,
            " HttpOnly;",
            "",
            tests,
        ),
        Guard(
            "a state cookie of other sites",
            service,
            redirects,
            " SameSite=Lax",
            " SameSite=None",
            tests,
        ),
        Guard(
            "a redirect to any URL",
            service,
            redirects,
            "        raise InvalidRequest(",
            "        InvalidRequest(",
            tests,
        ),
        Guard(
            "a redirect to another host",
            service,
            redirects,
            r'r"/(?![/\\])[',
            r'r"/[\\]?[',
            tests,
        ),
        Guard(
            "a redirect to a host that begins like an origin",
            service,
            redirects,
            "(not rest or _PATH.fullmatch(rest) is not None)",
            "bool(address)",
            "auth/test_redirects.py",
        ),
        Guard(
            "a redirect to a URL of any length",
            service,
            redirects,
            "len(address) > MAX_LENGTH or not",
            "not",
            "auth/test_redirects.py",
        ),
        Guard(
            "any error in the redirect",
            service,
            redirects,
            'error if _ERROR.fullmatch(error) else "server_error"',
            "error",
            tests,
        ),
        Guard(
            "a change of an account of the issuer",
            service,
            "auth/confirmation.py",
            "        raise ManagedByIssuer\n",
            "        pass\n",
            "auth/test_confirmation.py",
        ),
        Guard(
            "a change without a password",
            service,
            "auth/confirmation.py",
            "        raise InvalidRequest(",
            "        InvalidRequest(",
            "auth/test_confirmation.py",
        ),
        Guard(
            "a malformed issuer",
            service,
            "auth/settings.py",
            'raise ValueError("must be set and begin with https://")',
            'ValueError("must be set and begin with https://")',
            "test_settings.py",
        ),
        Guard(
            "an issuer without TLS",
            service,
            "auth/settings.py",
            r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?",
            r"http://(localhost|127\.0\.0\.1|\[::1\])\S*",
            "test_settings.py",
        ),
        Guard(
            "no client of the issuer",
            service,
            "auth/settings.py",
            "        if not value and is_production(info):",
            "        if not value and value:",
            "test_settings.py",
        ),
        Guard(
            "no secret of the client",
            service,
            "auth/settings.py",
            '@field_validator("oidc_client_id", "oidc_client_secret")',
            '@field_validator("oidc_client_id")',
            "test_settings.py",
        ),
    )


def _of_logins_at_the_issuer(service: str) -> tuple[Guard, ...]:
    """Return the guards of accounts and sessions of persons whom the issuer has authenticated."""
    tests = "auth/test_login.py"
    return (
        Guard(
            "a stored state",
            service,
            "auth/pending.py",
            "    return sha256(state.encode()).hexdigest()",
            "    return state",
            "auth/test_pending.py",
        ),
        Guard(
            "a callback without a state cookie",
            service,
            "auth/services.py",
            "    check_state(sent.state, sent.state_cookie)\n",
            "",
            tests,
        ),
        Guard(
            "a login of a deactivated user at the issuer",
            service,
            "auth/services.py",
            "user is None or not user.is_active",
            "user is None",
            tests,
        ),
        Guard(
            "a new address of an account with a password",
            service,
            "auth/identities.py",
            "has_password(user) or not",
            "not",
            tests,
        ),
        Guard(
            "a new address that the issuer has not verified",
            service,
            "auth/identities.py",
            " or not person.email_verified",
            "",
            tests,
        ),
    )


def _of_tokens(service: str, logins: str, digest: str) -> tuple[Guard, ...]:
    """Return the guards of access and refresh tokens.

    Args:
        service: The ID of the combination.
        logins: The file that renews a login.
        digest: The name of the function there that hashes a secret.
    """
    tokens = "auth/tokens.py"
    tests = "auth/test_tokens.py"
    return (
        Guard(
            "access tokens of any issuer",
            service,
            tokens,
            "            issuer=ISSUER,\n",
            "",
            tests,
        ),
        *(
            Guard(
                f"access tokens without {claim}",
                service,
                tokens,
                f'"{claim}"{after}',
                after.removeprefix(", "),
                tests,
            )
            for claim, after in (
                ("exp", ', "iat", "sub"'),
                ("iat", ', "sub", "sid"'),
                ("sub", ', "sid", "jti"'),
                ("jti", ")"),
            )
        ),
        Guard(
            "access tokens of the future",
            service,
            tokens,
            '"require": list(CLAIMS)}',
            '"require": list(CLAIMS), "verify_iat": False}',
            tests,
        ),
        Guard(
            "access tokens without a signature",
            service,
            tokens,
            '"require": list(CLAIMS)}',
            '"require": list(CLAIMS), "verify_signature": False}',
            tests,
        ),
        Guard(
            "access tokens of another algorithm",
            service,
            tokens,
            "algorithms=[ALGORITHM]",
            'algorithms=[ALGORITHM, "HS512"]',
            tests,
        ),
        Guard(
            "access tokens that expired a minute ago",
            service,
            tokens,
            "LEEWAY = timedelta(seconds=10)",
            "LEEWAY = timedelta(seconds=90)",
            tests,
        ),
        Guard(
            "access tokens that are valid for an hour",
            service,
            tokens,
            "LIFETIME = timedelta(minutes=15)",
            "LIFETIME = timedelta(minutes=60)",
            "auth/test_api.py",
        ),
        Guard(
            "refresh tokens without a signature",
            service,
            "auth/refresh_tokens.py",
            '        if hmac.compare_digest(_sign("refresh", credential, key).encode(), sent):',
            "        if sent or key:",
            "auth/test_api.py",
        ),
        Guard(
            "refresh tokens of the current key only",
            service,
            "auth/refresh_tokens.py",
            "for key in settings.keys:",
            "for key in settings.keys[:1]:",
            "auth/test_refresh_tokens.py",
        ),
        Guard(
            "a used refresh token",
            service,
            logins,
            f"if login.secret_hash == {digest}(sent.secret):",
            "if login.secret_hash:",
            "auth/test_api.py",
        ),
        Guard(
            "a used refresh token at any time",
            service,
            logins,
            " and now < login.expires_at - LIFETIME + GRACE",
            "",
            "auth/test_api.py",
        ),
        Guard(
            "a refresh token before the latest",
            service,
            logins,
            "        if is_latest and now",
            "        if now",
            "auth/test_api.py",
        ),
        Guard(
            "a login that survives a used refresh token",
            service,
            logins,
            '    log_event("authn_token_reuse", user_id=user_id)\n    ',
            '    log_event("authn_token_reuse", user_id=user_id)\n    return None\n    ',
            "auth/test_api.py",
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
        _of_stale_users(service),
    )


def _of_stale_users(service: str) -> Guard:
    """Return the guard of users whom SQLAlchemy locks and reads again."""
    return Guard(
        "a locked user as read before",
        service,
        "users/locks.py",
        "\n    .execution_options(populate_existing=True)",
        "",
        "users/test_services.py",
    )


CACHED = "items/cached.py"
CACHE = "cache/cache.py"
OF_CACHES = (
    (CACHED, "the owner in the key", 'f"item:{owner_id}:{item_id}"', 'f"item:{item_id}"'),
    (
        CACHED,
        "deletion at a change",
        "    await cache.delete(key(owner_id=owner_id, item_id=item_id))\n    return item",
        "    return item",
    ),
    (
        CACHED,
        "deletion of a deleted item",
        "delete_item(session, owner_id=owner_id, item_id=item_id)\n    await cache.delete(key(",
        "delete_item(session, owner_id=owner_id, item_id=item_id)\n    str(key(",
    ),
    (CACHED, "items of other releases", "except ValidationError:", "except KeyError:"),
    (
        CACHE,
        "the mark of a deletion",
        "lambda: self.store.set(key, DELETED, seconds=DELETED_SECONDS)",
        "lambda: self.store.delete(key)",
    ),
    (
        CACHE,
        "one request that computes",
        "if await self._add(turn,",
        "if True or await self._add(turn,",
    ),
    (CACHE, "the end of a turn", "self.store.delete(turn)", "self.store.get(turn)"),
    (CACHE, "silence after a failure", "< self._silent_until", "< -1"),
    (CACHE, "deletion during the silence", " and not always:", ":"),
    (CACHE, "failures of the store", "except FAILURES as", "except ValueError as"),
    (CACHE, "one line in the log", "self._down != down, down", "True, down"),
    ("cache/store.py", "a value that exists", ", nx=True", ""),
    (
        "cache/store.py",
        "the time of a value",
        "value, ex=seconds)\n\n    async def add",
        "value)\n\n    async def add",
    ),
    ("cache/settings.py", "the form of CACHE_URL", "        check_cache_url(", "        str("),
)
TESTS_OF_CACHES = {
    CACHED: "items/test_cached.py",
    CACHE: "cache/test_cache.py",
    "cache/store.py": "cache/test_cache.py",
    "cache/settings.py": "test_settings.py",
}

GUARDS = (
    *_of_settings(FASTAPI_OIDC),
    *_of_the_page(FASTAPI_OIDC),
    *_of_databases(FLASK_SESSION),
    *_of_keys(FASTAPI_OIDC),
    *_of_the_issuer(FASTAPI_OIDC),
    *_of_logins_at_the_issuer(FASTAPI_OIDC),
    *_of_logins_at_the_issuer(DRF_OIDC),
    Guard(
        "a state that is valid twice",
        FASTAPI_OIDC,
        "auth/pending.py",
        "        await session.delete(pending)",
        "        pass",
        "auth/test_login.py",
    ),
    Guard(
        "any state",
        FASTAPI_OIDC,
        "auth/pending.py",
        '        PendingLogin.state_hash == bindparam("state_hash"),\n',
        "",
        "auth/test_login.py",
    ),
    Guard(
        "the previous session of the browser",
        FASTAPI_OIDC,
        "auth/services.py",
        '        await forget_login(session, credential=sent.session_cookie or "")\n',
        "",
        "auth/test_login.py",
    ),
    Guard(
        "an account with another identity",
        FASTAPI_OIDC,
        "auth/identities.py",
        '    if user and await session.scalar(_OF_USER, {"user_id": user.id}):\n'
        "        raise EmailOfAnotherAccount\n",
        "",
        "auth/test_login.py",
    ),
    Guard(
        "an identity of another issuer",
        FASTAPI_OIDC,
        "auth/identities.py",
        '        Identity.issuer == bindparam("issuer"),\n',
        "",
        "auth/test_login.py",
    ),
    Guard(
        "a state that is valid twice",
        DRF_OIDC,
        "auth/pending.py",
        "PendingLogin.objects.filter(id=pending.id).delete()[0]",
        "pending.id",
        "auth/test_login.py",
    ),
    Guard(
        "a state of two requests at once",
        DRF_OIDC,
        "auth/pending.py",
        ".delete()[0]",
        ".delete()",
        "auth/test_pending.py",
    ),
    Guard(
        "any state",
        DRF_OIDC,
        "auth/pending.py",
        "state_hash=_digest(state), ",
        "",
        "auth/test_login.py",
    ),
    Guard(
        "an expired login at the issuer",
        DRF_OIDC,
        "auth/pending.py",
        ", expires_at__gt=now",
        "",
        "auth/test_login.py",
    ),
    Guard(
        "the previous session of the browser",
        DRF_OIDC,
        "auth/services.py",
        '        end_login(login_id=sent.session_cookie or "")\n',
        "",
        "auth/test_login.py",
    ),
    Guard(
        "an account with another identity",
        DRF_OIDC,
        "auth/identities.py",
        "        raise EmailOfAnotherAccount",
        "        pass",
        "auth/test_login.py",
    ),
    Guard(
        "an identity of another issuer",
        DRF_OIDC,
        "auth/identities.py",
        '"identity__issuer": person.issuer, ',
        "",
        "auth/test_login.py",
    ),
    Guard(
        "no lock of the user of a login at the issuer",
        DRF_OIDC,
        "users/locks.py",
        ".select_for_update()",
        "",
        "auth/test_login.py",
    ),
    Guard(
        "a password on the admin site",
        DRF_OIDC,
        "auth/backends.py",
        "    def authenticate(",
        "    def reject(",
        "auth/test_backends.py",
    ),
    *_of_tokens(FASTAPI_JWT, "auth/services.py", "digest"),
    *_of_tokens(DRF_JWT, "auth/logins.py", "_digest"),
    _of_stale_users(FLASK_SESSION),
    Guard(
        "a refresh token that the database stores",
        FASTAPI_JWT,
        "auth/logins.py",
        "    return sha256(secret.encode()).hexdigest()",
        "    return secret",
        "auth/test_logins.py",
    ),
    Guard(
        "a refresh token that the database stores",
        DRF_JWT,
        "auth/logins.py",
        "    return sha256(secret.encode()).hexdigest()",
        "    return secret",
        "auth/test_logins.py",
    ),
    Guard(
        "a session cookie that the database stores",
        FLASK_SESSION,
        "auth/logins.py",
        "    return sha256(secret.encode()).hexdigest()",
        "    return secret",
        "auth/test_sessions.py",
    ),
    Guard(
        "an API key that the database stores",
        QUART_API_KEY,
        "api_keys/keys.py",
        "        return sha256(self.secret.encode()).hexdigest()",
        "        return self.secret",
        "auth/test_authentication.py",
    ),
    Guard(
        "an API key with any secret",
        QUART_API_KEY,
        "auth/authentication.py",
        "found is None or not sent.matches(found.secret_hash)",
        "found is None",
        "api_keys/test_api.py",
    ),
    Guard(
        "an API key that the database stores",
        NINJA_API_KEY,
        "api_keys/keys.py",
        "        return sha256(self.secret.encode()).hexdigest()",
        "        return self.secret",
        "auth/test_authentication.py",
    ),
    Guard(
        "an API key with any secret",
        NINJA_API_KEY,
        "auth/authentication.py",
        "found is None or not sent.matches(found.secret_hash)",
        "found is None",
        "api_keys/test_api.py",
    ),
    Guard(
        "a form of another site",
        NINJA_SESSION,
        "csrf.py",
        "        return super().process_view(*arguments)",
        "        return None",
        "test_app.py",
    ),
    Guard(
        "a form of another site",
        DRF_JWT,
        "config/settings.py",
        '    "django.middleware.csrf.CsrfViewMiddleware",\n',
        "",
        "test_app.py",
    ),
    Guard(
        "any age of a login",
        FASTAPI_JWT,
        "auth/settings.py",
        "login_max_days: PositiveInt",
        "login_max_days: int",
        "test_settings.py",
    ),
    *_of_other_origins(FLASK_SESSION),
    *_of_other_origins(NINJA_SESSION),
    *_of_other_origins(DRF_JWT),
    *_of_other_origins(QUART_API_KEY),
    Guard(
        "any origin",
        FASTAPI_JWT,
        "app.py",
        "allow_origins=settings.cors_origins",
        'allow_origins=["*"]',
        "test_app.py",
    ),
    Guard(
        "any method of other origins",
        FASTAPI_JWT,
        "app.py",
        "allow_methods=settings.cors_allow_methods",
        'allow_methods=["*"]',
        "test_app.py",
    ),
    Guard(
        "any header of other origins",
        FASTAPI_JWT,
        "app.py",
        "allow_headers=settings.cors_allow_headers",
        'allow_headers=["*"]',
        "test_app.py",
    ),
    Guard(
        "credentials of other origins",
        FASTAPI_JWT,
        "app.py",
        "allow_credentials=settings.cors_allow_credentials",
        "allow_credentials=True",
        "test_app.py",
    ),
    *_of_every_service(FASTAPI_JWT),
    *_of_every_service(FLASK_SESSION),
    *_of_every_service(NINJA_SESSION),
    *_of_every_service(DRF_JWT),
    *_of_every_service(QUART_API_KEY),
    *_of_every_service(FASTAPI_OIDC),
    _of_declared_lengths(FASTAPI_JWT),
    _of_declared_lengths(FLASK_SESSION),
    _of_declared_lengths(NINJA_SESSION),
    _of_declared_lengths(QUART_API_KEY),
    _of_declared_lengths(FASTAPI_OIDC),
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
        "auth/settings.py",
        "ISSUER if is_production(info) else LOCAL_ISSUER",
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
    *(
        Guard(name, CACHED_FASTAPI, path, found, planted, TESTS_OF_CACHES[path])
        for path, name, found, planted in OF_CACHES
    ),
    Guard(
        "changes outside the services",
        CACHED_DRF,
        "cache/apps.py",
        "        pre_save.connect(_forget_item",
        '        str.format("", _forget_item',
        "cache/test_apps.py",
    ),
    Guard(
        "deletions outside the services",
        CACHED_DRF,
        "cache/apps.py",
        "        pre_delete.connect(_forget_item",
        '        str.format("", _forget_item',
        "cache/test_apps.py",
    ),
    Guard(
        "the stored owner",
        CACHED_DRF,
        "cache/apps.py",
        "    for owner_id in stored:",
        "    for owner_id in [instance.owner_id]:",
        "cache/test_apps.py",
    ),
    Guard(
        "values without pickle",
        CACHED_DRF,
        "config/caches.py",
        '                "serializer": JsonSerializer(),\n',
        "",
        "cache/test_store.py",
    ),
    Guard(
        "items of other releases",
        CACHED_DRF,
        "items/cached.py",
        "if found.keys() != ItemRead().fields.keys():",
        "if not found:",
        "items/test_cached.py",
    ),
)
