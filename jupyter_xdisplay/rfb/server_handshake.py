"""The server's handshake: version, security, ClientInit and ServerInit (RFC 6143 section 7)."""

from __future__ import annotations

import re
import secrets
import struct
from collections.abc import Callable

from jupyter_xdisplay.rfb.constants import VERSION_3_8, Security
from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.limits import MAX_TEXT_BYTES
from jupyter_xdisplay.rfb.pixel_format import BGRX32
from jupyter_xdisplay.rfb.security import CHALLENGE_BYTES, verify
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

_U32 = struct.Struct(">I")
_SIZE = struct.Struct(">HH")
WRONG_PASSWORD = "The password is wrong."  # noqa: S105 - a sentence, not a password
"""Why a viewer with a wrong password is refused."""

_VERSION = re.compile(rb"RFB 003\.([0-9]{3})\n")


def shake_hands(
    reader: StreamReader, send: Callable[[bytes], None], password: str | None
) -> Parse[bool]:
    """Run the handshake up to ClientInit; return its shared flag.

    Raises
    ------
    ProtocolError
        When the client does not speak RFB 3, or its password is wrong.
    """
    send(VERSION_3_8)
    minor = _minor_version((yield from reader.read(len(VERSION_3_8))))
    security = Security.NONE if password is None else Security.VNC_AUTHENTICATION
    if minor < 7:  # the server decides (RFC 6143 appendix A, version 3.3)
        send(_U32.pack(security))
    else:
        send(bytes([1, security]))
        chosen = yield from reader.byte()
        if chosen != security:
            _refuse(send, minor, f"Security type {chosen} was not offered.")
    if password is not None:
        yield from _authenticate(reader, send, minor, password)
    elif minor >= 8:
        send(_U32.pack(0))
    return (yield from reader.byte()) != 0


def _minor_version(line: bytes) -> int:
    """Return 3, 7 or 8 for a ProtocolVersion (RFC 6143 section 7.1.1).

    Unknown versions below 3.7 are 3.3; those above 3.8, such as Apple's 3.889, speak 3.8
    (so do libvncserver and TigerVNC take them).
    """
    match = _VERSION.fullmatch(line)
    if match is None:
        raise ProtocolError("The client does not speak RFB 3.")
    minor = int(match[1])
    return 8 if minor >= 8 else 7 if minor == 7 else 3


def _authenticate(
    reader: StreamReader, send: Callable[[bytes], None], minor: int, password: str
) -> Parse[None]:
    """VNC Authentication and SecurityResult (RFC 6143 sections 7.2.2 and 7.1.3)."""
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    send(challenge)
    answer = yield from reader.read(CHALLENGE_BYTES)
    if not verify(password, challenge, answer):
        _refuse(send, minor, WRONG_PASSWORD)
    send(_U32.pack(0))


def _refuse(send: Callable[[bytes], None], minor: int, reason: str) -> None:
    """Send a SecurityResult that says failed, with its reason from 3.8 on; end the connection."""
    text = reason.encode()
    send(_U32.pack(1) + (_U32.pack(len(text)) + text if minor >= 8 else b""))
    raise ProtocolError(reason)


def server_init(size: tuple[int, int], name: str) -> bytes:
    """Return the ServerInit message (RFC 6143 section 7.3.2)."""
    encoded = name.encode("utf-8", "replace")[:MAX_TEXT_BYTES]
    return _SIZE.pack(*size) + BGRX32.pack() + _U32.pack(len(encoded)) + encoded
