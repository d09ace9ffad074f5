"""Feeds both parsers what a fuzzer finds: `python -m tests.rfb.fuzz server|client RUNS FOLDER`.

Coverage-guided (atheris, libFuzzer). An exception, a buffer that grows beyond what one message may
have, or more memory than the limit ends it with a crash file and an exit status that is not 0.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["jupyter_xdisplay.rfb"]):
    from jupyter_xdisplay.rfb import ClientConnection, ServerConnection
    from jupyter_xdisplay.rfb.limits import MAX_CLIPBOARD_BYTES, MAX_COMPACT_LENGTH

from tests.rfb.pictures import FORMATS
from tests.rfb.streams import SIZE, client_stream, server_hello, server_stream

MOST_BUFFERED = MAX_CLIPBOARD_BYTES + MAX_COMPACT_LENGTH
MEMORY_MB = 1500
LONGEST_INPUT = 8192
_FORMATS = list(FORMATS.values())


def one_server_input(data: bytes) -> None:
    """Take the input as what a client sends, after a good handshake or in place of it."""
    server = ServerConnection("name", SIZE)
    if data[:1] != b"\0":
        server.receive_data(b"RFB 003.008\n\x01\x01")
    _feed(server, data[1:])


def one_client_input(data: bytes) -> None:
    """Take the input as what a server sends; the first byte chooses the pixel format."""
    kind = data[0] if data else 0
    client = ClientConnection(pixel_format=_FORMATS[kind % len(_FORMATS)])
    if kind < 0xF0:
        client.receive_data(server_hello())
    _feed(client, data[1:])


def _feed(connection: ServerConnection | ClientConnection, data: bytes) -> None:
    half = len(data) // 2
    for part in (data[:half], data[half:]):
        connection.receive_data(part)
        connection.events()
        connection.data_to_send()
        assert len(connection._reader) <= MOST_BUFFERED
    assert connection.state in {"handshake", "running", "failed"}
    assert (connection.error is not None) == (connection.state == "failed")
    connection.close()


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], bytes], int]] = {
    "server": (one_server_input, client_stream, len(b"RFB 003.008\n\x01\x01")),
    "client": (one_client_input, server_stream, len(server_hello())),
}


def main(side: str, runs: int, folder: str) -> None:
    """Fuzz one side, with inputs and crashes in a folder; libFuzzer ends the process."""
    target, stream, hello = TARGETS[side]
    rest = stream()[hello:]
    for first in range(len(_FORMATS) if side == "client" else 1):
        Path(folder, f"seed-{first}").write_bytes(bytes([first + (side == "server")]) + rest)
    Path(folder, "handshake").write_bytes((b"\0" if side == "server" else b"\xf6") + stream())
    options = [
        f"-runs={runs}",
        f"-max_len={LONGEST_INPUT}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={folder}/crash-",
        "-seed=1",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, folder], target)
    atheris.Fuzz()


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        os.nice(5)
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
