"""`python3 -m jupyter_xdisplay.sidecar.listen SOCKET`: connections to it, on standard output.

For whoever reaches this container only through its engine (`docker exec`), and is to be reached
from it. It ends with its standard input.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from jupyter_xdisplay.multiplexer import CHUNK_BYTES, Multiplexer

READY = b"ready\n"
RETRY_S = 0.1


def main() -> None:
    """Listen until standard input ends."""
    path = Path(sys.argv[1])
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen()
    ours = path.stat()
    _write(READY)
    connections = Multiplexer(_write)
    threading.Thread(target=_accept, args=(server, connections), daemon=True).start()
    while data := os.read(0, CHUNK_BYTES):
        connections.feed(data)
    with suppress(OSError):
        if os.path.samestat(path.stat(), ours):  # another one may be in its place by now
            path.unlink()


def _accept(server: socket.socket, connections: Multiplexer) -> None:
    while True:
        try:
            connections.add(server.accept()[0])
        except (OSError, RuntimeError):  # no more files, or threads: the next one may have them
            time.sleep(RETRY_S)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
