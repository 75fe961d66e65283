"""A real browser without a window: the installed Chromium, driven by Playwright."""

from __future__ import annotations

import http.client
import ssl
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from tests.harness.certificates import LOOPBACK, new_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Page

OPTIONS = (
    "--no-sandbox",  # CI runs as root in a container
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
ACTION_MILLISECONDS = 20_000


@contextmanager
def browsing(executable: str) -> Iterator[Browser]:
    """Start a browser, which ends with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, headless=True, args=[*OPTIONS]
        )
        yield browser
        browser.close()


@contextmanager
def new_page(browser: Browser) -> Iterator[Page]:
    """Open a page with cookies of its own, and fail if it reports an error.

    Errors are exceptions of scripts, and what a policy blocks. A response of 400 or above is not
    an error.
    """
    errors: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    with browser.new_context(ignore_https_errors=True) as context:
        context.set_default_timeout(ACTION_MILLISECONDS)
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
    assert errors == []


# ---------------------------------------------------------------- A reverse proxy


@contextmanager
def proxying(url: str, folder: Path, *, prefix: str = "") -> Iterator[str]:
    """Serve an address over TLS, below a prefix, and return the address of the proxy."""
    server = _Proxy(url, prefix)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(new_certificate(folder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"https://{LOOPBACK}:{server.server_port}{prefix}"
    server.shutdown()
    server.server_close()


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, url: str, prefix: str) -> None:
        super().__init__((LOOPBACK, 0), _Forwarding)
        self.upstream = urlsplit(url).netloc
        self.prefix = prefix

    def handle_error(self, *_: Any) -> None:
        """Ignore a browser that closes its connection."""


class _Forwarding(BaseHTTPRequestHandler):
    server: _Proxy

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {**self.headers, "Connection": "close"}
        headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]}
        if self.server.prefix:
            headers["X-Forwarded-Prefix"] = self.server.prefix
        connection = http.client.HTTPConnection(self.server.upstream)
        path = self.path.removeprefix(self.server.prefix)
        connection.request(self.command, path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_POST = do_PATCH = do_DELETE = forward  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Write no log."""
