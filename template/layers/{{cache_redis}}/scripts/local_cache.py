"""A cache in this process, for `make run` and for the tests."""

from threading import Thread

from fakeredis import TcpFakeServer


class Server(TcpFakeServer):
    """A server that speaks the protocol of Redis."""

    request_queue_size = 128  # a burst of connections waits, instead of timing out


def start_cache() -> str:
    """Start a server. Return its URL."""
    server = Server(("127.0.0.1", 0), server_type="valkey")
    server.daemon_threads = True  # a process ends without waiting for its clients
    Thread(target=server.serve_forever, daemon=True).start()
    return f"redis://127.0.0.1:{server.server_address[1]}/0"
