"""The login issuer of `make run`: an OpenID Connect provider without passwords.

Anyone who can reach it can log in with any email address. So it listens only on the loopback, and
production rejects an issuer without TLS.
"""

import base64
import hashlib
import json
import os
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

# An account belongs to the URL of its issuer, so the port must not change between two starts.
PORT = "8400"

REQUIRED = ("redirect_uri", "state", "nonce", "code_challenge")
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in</title>
<h1>Log in</h1>
<p>This is the login issuer of <code>make run</code>. It does not ask for a password.</p>
<form method="post">
  <p><button name="email" value="alice@example.org">Log in as alice@example.org</button>
  <p><button name="email" value="bob@example.org">Log in as bob@example.org</button>
</form>
<form method="post">
  <p><label>Email address <input type="email" name="email" required autofocus></label>
  <button>Log in</button>
</form>
<form method="post">
  <p><button name="error" value="access_denied">Cancel</button>
</form>
"""


def start_issuer() -> dict[str, str]:
    """Start an issuer that ends with this process. Return the settings of a service that uses it.

    Raises:
        SystemExit: The port is not free.
    """
    port = os.environ.get("LOCAL_ISSUER_PORT", PORT)
    try:
        issuer = Issuer(int(port))
    except (OSError, OverflowError, ValueError) as error:
        sys.exit(
            f"The login issuer cannot listen on port {port} ({error})."
            " Set LOCAL_ISSUER_PORT to a free port, or OIDC_ISSUER to another issuer."
        )
    Thread(target=issuer.serve_forever, daemon=True).start()
    print(f"Login issuer: {issuer.url}, without passwords")
    print("Set OIDC_ISSUER to use another issuer.")
    return issuer.settings()


class Issuer(ThreadingHTTPServer):
    """An issuer with one client. `logins` are the completed logins by their codes."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.client_id = "the-service"
        self.client_secret = secrets.token_urlsafe()
        self.key = new_key()
        self.logins: dict[str, dict[str, str]] = {}

    def settings(self) -> dict[str, str]:
        """Return the settings of a service that uses this issuer."""
        return {
            "OIDC_ISSUER": self.url,
            "OIDC_CLIENT_ID": self.client_id,
            "OIDC_CLIENT_SECRET": self.client_secret,
        }

    def documents(self) -> dict[str, Any]:
        """Return the public documents by their paths (OpenID Connect Discovery, 4)."""
        metadata = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        keys = KeySet([self.key]).as_dict(private=False)
        return {"/.well-known/openid-configuration": metadata, "/keys": keys}

    def errors_of(self, request: dict[str, str]) -> list[str]:
        """Return the missing and invalid parameters of an authorization request."""
        fixed = {
            "response_type": "code",
            "client_id": self.client_id,
            "code_challenge_method": "S256",
        }
        wrong = [name for name, value in fixed.items() if request.get(name) != value]
        return wrong + [name for name in REQUIRED if not request.get(name)]

    def begin(self, request: dict[str, str], email: str) -> str:
        """Return the code of a new login."""
        code = secrets.token_urlsafe()
        self.logins[code] = {**request, "email": email.lower()}
        return code

    def redeem(self, form: dict[str, str], client: list[str]) -> str | None:
        """Return the ID token of a code, once. Return None if the code, client or PKCE is wrong."""
        login = self.logins.pop(form.get("code", ""), {})
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            client != [self.client_id, self.client_secret]
            or challenge != login.get("code_challenge")
            or form.get("redirect_uri") != login.get("redirect_uri")
        ):
            return None
        return self.token(login)

    def token(self, login: dict[str, str]) -> str:
        """Return the signed ID token of a login."""
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, self.claims_of(login), self.key)

    def claims_of(self, login: dict[str, str]) -> dict[str, Any]:
        """Return the claims of a login's ID token."""
        now = int(time.time())
        return {
            "iss": self.url,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "nonce": login["nonce"],
            **self.person_of(login),
        }

    def person_of(self, login: dict[str, str]) -> dict[str, Any]:
        """Return the claims about the person, whose subject is the email address."""
        return {"sub": login["email"], "email": login["email"], "email_verified": True}


def new_key() -> ECKey:
    """Return a new signing key with a unique id."""
    return ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig"})


class Handler(BaseHTTPRequestHandler):
    """The HTTP requests to the issuer."""

    server: Issuer

    def do_GET(self) -> None:
        """Send a document, or the page of a login."""
        path = urlsplit(self.path).path
        documents = self.server.documents()
        if path in documents:
            self._send_json(documents[path])
        elif path != "/authorize":
            self.send_error(404)
        elif self._request() is not None:
            self._send(PAGE, "text/html")

    def do_POST(self) -> None:
        """Complete a login, or exchange its code for tokens."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        form = dict(parse_qsl(content.decode()))
        if urlsplit(self.path).path == "/token":
            self._exchange(form)
        elif (request := self._request()) is not None:
            self._return(request, form)

    def _request(self) -> dict[str, str] | None:
        """Return the authorization request, or respond with its errors."""
        request = dict(parse_qsl(urlsplit(self.path).query))
        errors = self.server.errors_of(request)
        if errors:
            self.send_error(400, f"Missing or invalid: {', '.join(errors)}")
            return None
        return request

    def _return(self, request: dict[str, str], form: dict[str, str]) -> None:
        """Redirect to the service with a code, or with the error of a cancelled login."""
        if "error" in form:
            answer = {"error": form["error"]}
        else:
            answer = {"code": self.server.begin(request, form.get("email", ""))}
        query = urlencode({**answer, "state": request["state"]})
        self.send_response(303)
        self.send_header("Location", f"{request['redirect_uri']}?{query}")
        self.end_headers()

    def _exchange(self, form: dict[str, str]) -> None:
        sent = self.headers.get("Authorization", "").removeprefix("Basic ")
        client = [unquote(part) for part in base64.b64decode(sent).decode().split(":")]
        if token := self.server.redeem(form, client):
            self._send_json({"access_token": "x", "token_type": "Bearer", "id_token": token})
        else:
            self._send_json({"error": "invalid_grant"}, status=400)

    def _send_json(self, content: Any, status: int = 200) -> None:
        self._send(json.dumps(content), "application/json", status)

    def _send(self, text: str, media_type: str, status: int = 200) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Do not log requests."""
