"""A sidecar's socket where its files are not ours: each connection is a process in its container.

The engine is on another machine, or we are in a container ourselves. What connects to the local
socket is relayed through the engine (`docker exec`, `sidecar.relay`), so that nobody else has to
know.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jupyter_xdisplay.runtime.exec_stream import CHUNK_BYTES, ExecStream

log = logging.getLogger(__name__)


class Relay:
    """A Unix socket of ours that is connected to one in a container.

    Parameters
    ----------
    path
        Our socket, in a private directory.
    connect
        Connects to the other one; called for each connection, in a thread of its own. What it
        raises ends that connection.
    """

    def __init__(self, path: Path, connect: Callable[[], ExecStream]) -> None:
        self._connections: set[ExecStream] = set()
        self._closed = False
        self._lock = threading.Lock()
        relay = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                relay.serve(self.request, connect)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                log.info("A connection through %s has ended: %s", path, sys.exc_info()[1])

        self._server = Server(str(path), Handler)
        path.chmod(0o600)
        threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name=f"relay {path}", daemon=True
        ).start()

    def serve(self, client: socket.socket, connect: Callable[[], ExecStream]) -> None:
        """Relay one connection until either side ends."""
        stream = connect()
        with self._lock:
            closed = self._closed
            self._connections.add(stream)
        if closed:  # while it was being made
            stream.close()
        threading.Thread(target=_send, args=(client, stream), daemon=True).start()
        try:
            with suppress(OSError):
                while data := stream.receive():
                    client.sendall(data)
        finally:
            with self._lock:
                self._connections.discard(stream)
            stream.close()
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End all connections, and accept no more."""
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            self._closed = True
            connections = list(self._connections)
        for stream in connections:
            stream.close()


def _send(client: socket.socket, stream: ExecStream) -> None:
    with suppress(OSError):
        while data := client.recv(CHUNK_BYTES):
            stream.send(data)
    stream.close()
