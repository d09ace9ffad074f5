"""The X protocol's connection setup as bytes (X Window System Protocol, chapter 8).

With it the doctor knocks without a cookie, and on a socket of its choice, which Xlib and xcb do
not let one do.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import NamedTuple

FAILED, SUCCESS, AUTHENTICATE = 0, 1, 2
_LONGEST_REPLY = 1 << 18


class SetupReply(NamedTuple):
    """Whether the X server lets the connection in, and the reason where it does not."""

    accepted: bool
    reason: str


def setup_request(name: bytes = b"", data: bytes = b"") -> bytes:
    """Return a client's first bytes, little-endian, protocol 11.0, with that authorization."""
    padded = [item + bytes(-len(item) % 4) for item in (name, data)]
    return struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(data)) + b"".join(padded)


def parse_setup_reply(data: bytes) -> SetupReply | None:
    """Read the server's answer; None while bytes are missing."""
    if len(data) < 8:
        return None
    status, reason_length = data[0], data[1]
    if status == SUCCESS:
        return SetupReply(True, "")
    if status == AUTHENTICATE:
        return SetupReply(False, "further authentication required")
    length = 8 + 4 * struct.unpack_from("<H", data, 6)[0]
    if len(data) < length:
        return None
    return SetupReply(False, data[8 : 8 + reason_length].decode(errors="replace").strip())


def addresses(number: int) -> dict[str, str]:
    """Return a display's Unix sockets by kind; a NUL starts an abstract one (unix(7))."""
    path = f"/tmp/.X11-unix/X{number}"
    return {"socket file": path, "abstract socket": "\0" + path}


def knock(
    address: str | tuple[str, int], name: bytes = b"", data: bytes = b"", *, timeout_s: float = 5.0
) -> SetupReply | None:
    """Connect and send the setup; None where nothing listens.

    Raises
    ------
    TimeoutError
        When something listens and does not answer within `timeout_s`.
    """
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(address)
        except TimeoutError:
            raise
        except OSError:
            return None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(setup_request(name, data))
            return _read_reply(connection)
    return SetupReply(False, "the connection was closed")


def _read_reply(connection: socket.socket) -> SetupReply:
    received = b""
    while len(received) < _LONGEST_REPLY:
        chunk = connection.recv(4096)
        if not chunk:
            break
        received += chunk
        if reply := parse_setup_reply(received):
            return reply
    return SetupReply(False, "the connection was closed")
