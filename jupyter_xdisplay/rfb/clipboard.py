"""The extended clipboard: UTF-8 both ways (rfbproto, Extended Clipboard Pseudo-Encoding).

Only the format *text* is used. Both sides announce new text (*notify*) and hand it out when asked
(*request*, *provide*), so a clipboard costs nothing until somebody pastes.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntFlag

from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.limits import MAX_CLIPBOARD_BYTES

TEXT = 1 << 0
_FORMATS = 0xFFFF
_U32 = struct.Struct(">I")


class Action(IntFlag):
    """What an extended clipboard message is for."""

    CAPS = 1 << 24
    REQUEST = 1 << 25
    PEEK = 1 << 26
    NOTIFY = 1 << 27
    PROVIDE = 1 << 28


NO_ACTION = Action(0)
ALL_ACTIONS = Action.CAPS | Action.REQUEST | Action.PEEK | Action.NOTIFY | Action.PROVIDE


@dataclass(frozen=True)
class ExtendedCutText:
    """A parsed extended message: its action, its formats, and the text of a *provide*."""

    action: Action
    formats: int = 0
    text: str | None = None
    accepts: Action = NO_ACTION
    """For *caps*: the actions the sender takes."""
    too_long: int = 0
    """For *provide*: the bytes of a text that is longer than we take."""

    @property
    def has_text(self) -> bool:
        """Whether the format text is among those named."""
        return bool(self.formats & TEXT)


def parse(payload: bytes) -> ExtendedCutText:
    """Read an extended message: what follows the negative length.

    Raises
    ------
    ProtocolError
        When it is not one.
    """
    if len(payload) < 4:
        raise ProtocolError("An extended clipboard message is shorter than its flags.")
    (flags,) = _U32.unpack_from(payload)
    formats = flags & _FORMATS
    actions = Action(flags & ALL_ACTIONS)
    if actions & Action.CAPS:
        if len(payload) < 4 + 4 * formats.bit_count():
            raise ProtocolError("Extended clipboard capabilities lack their sizes.")
        return ExtendedCutText(Action.CAPS, formats, accepts=actions)
    if actions not in {Action.REQUEST, Action.PEEK, Action.NOTIFY, Action.PROVIDE}:
        raise ProtocolError(f"An extended clipboard message has the flags {flags:#x}.")
    if actions == Action.PROVIDE and formats & TEXT:
        return _provided(payload[4:], formats)
    return ExtendedCutText(actions, formats)


def _provided(packed: bytes, formats: int) -> ExtendedCutText:
    """Read the first pair of size and data, which is the text (lowest bit first)."""
    try:
        unpacked = zlib.decompressobj().decompress(packed, MAX_CLIPBOARD_BYTES + 4)
    except zlib.error as error:
        raise ProtocolError("An extended clipboard text is not packed by zlib.") from error
    if len(unpacked) < 4:
        raise ProtocolError("An extended clipboard text lacks its size.")
    (size,) = _U32.unpack_from(unpacked)
    if size > MAX_CLIPBOARD_BYTES:
        return ExtendedCutText(Action.PROVIDE, formats, too_long=size)
    if size > len(unpacked) - 4:
        raise ProtocolError(f"An extended clipboard text of {size} bytes is cut off.")
    text = unpacked[4 : 4 + size].decode("utf-8", "replace").removesuffix("\0")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return ExtendedCutText(Action.PROVIDE, formats, text=text)


def caps() -> bytes:
    """Return our capabilities: text, all actions, nothing unsolicited."""
    return _message(_U32.pack(ALL_ACTIONS | TEXT) + _U32.pack(0))


def notify(available: bool) -> bytes:
    """Return the message that says whether there is text."""
    return _message(_U32.pack(Action.NOTIFY | (TEXT if available else 0)))


def request() -> bytes:
    """Return the message that asks for the text."""
    return _message(_U32.pack(Action.REQUEST | TEXT))


def provide(text: str) -> bytes:
    """Return the message that has the text; lone surrogates become question marks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    data = lines.encode("utf-8", "replace") + b"\0"
    packed = zlib.compress(_U32.pack(len(data)) + data, 1)
    return _message(_U32.pack(Action.PROVIDE | TEXT) + packed)


def plain(text: str) -> bytes:
    """Return what follows the type and padding of a plain ClientCutText or ServerCutText.

    Latin-1 (RFC 6143 sections 7.5.6 and 7.6.4): other characters become question marks.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    data = lines.encode("latin-1", "replace")
    return _U32.pack(len(data)) + data


def _message(payload: bytes) -> bytes:
    """Put the negative length before an extended message."""
    return struct.pack(">i", -len(payload)) + payload
