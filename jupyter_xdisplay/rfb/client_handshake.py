"""The client's handshake: version, security, ClientInit and ServerInit (RFC 6143 section 7)."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_xdisplay.rfb.constants import VERSION_3_8, Security
from jupyter_xdisplay.rfb.encodings.desktop import read_text
from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.security import CHALLENGE_BYTES, response
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

_U32 = struct.Struct(">I")
_SERVER_INIT = struct.Struct(">HH16x")
_VERSION = re.compile(rb"RFB ([0-9]{3})\.([0-9]{3})\n")


@dataclass(frozen=True)
class ServerInit:
    """What the server has (RFC 6143 section 7.3.2); its own pixel format does not matter."""

    width: int
    height: int
    name: str


def shake_hands(
    reader: StreamReader, send: Callable[[bytes], None], password: str | None, *, shared: bool
) -> Parse[ServerInit]:
    """Run the whole handshake.

    Raises
    ------
    ProtocolError
        When the server does not speak RFB, or refuses, or wants what we do not have.
    """
    minor = _minor_version((yield from reader.read(len(VERSION_3_8))))
    send(b"RFB 003.%03d\n" % minor)
    security = yield from _agree(reader, send, minor, password)
    if security == Security.VNC_AUTHENTICATION:
        challenge = yield from reader.read(CHALLENGE_BYTES)
        send(response(password or "", challenge))
    if security == Security.VNC_AUTHENTICATION or minor >= 8:
        yield from _security_result(reader, minor)
    send(bytes([shared]))
    width, height = yield from reader.unpack(_SERVER_INIT)
    return ServerInit(width, height, (yield from read_text(reader)))


def _minor_version(line: bytes) -> int:
    """Return 3, 7 or 8: the newest that both sides speak (RFC 6143 section 7.1.1)."""
    match = _VERSION.fullmatch(line)
    if match is None or int(match[1]) < 3:
        raise ProtocolError("The server does not speak RFB 3.")
    version = (int(match[1]), int(match[2]))
    return 8 if version >= (3, 8) else 7 if version == (3, 7) else 3


def _agree(
    reader: StreamReader, send: Callable[[bytes], None], minor: int, password: str | None
) -> Parse[int]:
    """Choose a security type (RFC 6143 section 7.1.2; version 3.3: appendix A)."""
    if minor < 7:
        (kind,) = yield from reader.unpack(_U32)
        offered = bytes([kind]) if 0 < kind < 256 else b""
    else:
        offered = yield from reader.read((yield from reader.byte()))
    if not offered:
        raise ProtocolError(f"The server refuses: {(yield from read_text(reader))}")
    if Security.NONE in offered:
        chosen = Security.NONE
    elif Security.VNC_AUTHENTICATION in offered and password:
        chosen = Security.VNC_AUTHENTICATION
    elif Security.VNC_AUTHENTICATION in offered:
        raise ProtocolError("The server asks for a password.")
    else:
        raise ProtocolError(f"The server has security types {list(offered)} only.")
    if minor >= 7:
        send(bytes([chosen]))
    return chosen


def _security_result(reader: StreamReader, minor: int) -> Parse[None]:
    """RFC 6143 section 7.1.3."""
    (failed,) = yield from reader.unpack(_U32)
    if not failed:
        return
    reason = (yield from read_text(reader)) if minor >= 8 else "authentication failed"
    raise ProtocolError(f"The server refuses: {reason}")
