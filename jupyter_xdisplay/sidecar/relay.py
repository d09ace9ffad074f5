"""`python3 -m jupyter_xdisplay.sidecar.relay SOCKET`: standard input and output as a connection.

For whoever reaches this container only through its engine (`docker exec`). It ends when either
side ends: closing an exec's connection leaves the process running, but ends its input.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

CHUNK_BYTES = 256 * 1024


def main() -> None:
    """Relay until one side ends."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(sys.argv[1])
    threading.Thread(target=_send, args=(connection,), daemon=True).start()
    while data := connection.recv(CHUNK_BYTES):
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]


def _send(connection: socket.socket) -> None:
    while data := os.read(0, CHUNK_BYTES):
        connection.sendall(data)
    os._exit(0)


if __name__ == "__main__":
    main()
