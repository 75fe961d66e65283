"""A cache in this process, for `make run` and for the tests.

It understands the commands of memcached that the service sends. No package contains memcached.
"""

from dataclasses import dataclass
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from time import monotonic


@dataclass(frozen=True)
class Value:
    """A stored value, until its time is over."""

    flags: bytes
    content: bytes
    until: float


class Connection(StreamRequestHandler):
    """The connection of a client (github.com/memcached/memcached/blob/master/doc/protocol.txt)."""

    def handle(self) -> None:
        """Answer each command."""
        while words := self.rfile.readline().split():
            name, *arguments = words
            self.wfile.write(self.answer(name, arguments))

    def answer(self, name: bytes, arguments: list[bytes]) -> bytes:
        """Return the answer to a command."""
        if name == b"version":
            return b"VERSION 1.6\r\n"
        key, *options = arguments
        content = self.rfile.read(int(options[2]) + 2)[:-2] if options else b""
        with LOCK:
            found = VALUES.get(key)
            if found and found.until <= monotonic():
                found = None
            if name == b"get":
                return written(key, found) + b"END\r\n"
            if name == b"delete":
                return b"DELETED\r\n" if VALUES.pop(key, None) else b"NOT_FOUND\r\n"
            if name == b"add" and found:
                return b"NOT_STORED\r\n"
            VALUES[key] = Value(options[0], content, monotonic() + int(options[1]))
            return b"STORED\r\n"


class Server(ThreadingTCPServer):
    """A server that speaks the protocol of memcached."""

    daemon_threads = True
    request_queue_size = 128  # a burst of connections waits, instead of timing out


VALUES: dict[bytes, Value] = {}
LOCK = Lock()


def written(key: bytes, value: Value | None) -> bytes:
    """Return a value as `get` answers it."""
    if value is None:
        return b""
    return b"VALUE %s %s %d\r\n%s\r\n" % (key, value.flags, len(value.content), value.content)


def start_cache() -> str:
    """Start a server. Return its URL."""
    server = Server(("127.0.0.1", 0), Connection)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"memcached://127.0.0.1:{server.server_address[1]}"
