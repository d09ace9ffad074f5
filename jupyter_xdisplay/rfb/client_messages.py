"""Reads what clients send after the handshake (RFC 6143 section 7.5, rfbproto)."""

from __future__ import annotations

import struct
from collections.abc import Callable

from jupyter_xdisplay.rfb.clipboard import ExtendedCutText
from jupyter_xdisplay.rfb.constants import ClientMessageType as Kind
from jupyter_xdisplay.rfb.constants import Encoding
from jupyter_xdisplay.rfb.cut_text import read_cut_text
from jupyter_xdisplay.rfb.encodings.desktop import SCREEN
from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.limits import MAX_ENCODINGS, MAX_FENCE_BYTES
from jupyter_xdisplay.rfb.messages import (
    ClientCutText,
    ClientFence,
    ClientMessage,
    EnableContinuousUpdates,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    Screen,
    SetDesktopSize,
    SetEncodings,
    SetPixelFormat,
)
from jupyter_xdisplay.rfb.pixel_format import PixelFormat
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

Parsed = ClientMessage | ExtendedCutText
Offered = frozenset[int]
"""The encodings of the client's last SetEncodings."""

_PIXEL_FORMAT = struct.Struct(">3x16s")
_ENCODINGS = struct.Struct(">xH")
_AREA = struct.Struct(">BHHHH")
_KEY = struct.Struct(">BxxI")
_QEMU_KEY = struct.Struct(">HII")
_POINTER = struct.Struct(">BHH")
_FENCE = struct.Struct(">3xIB")
_SIZE = struct.Struct(">xHHBx")

_EXTENDED_POINTER = 0x80


def read_message(reader: StreamReader, offered: Offered) -> Parse[Parsed]:
    """Read one message.

    Raises
    ------
    ProtocolError
        When it is none, or none that this client may send.
    """
    kind = yield from reader.byte()
    read = _READERS.get(kind)
    if read is None:
        raise ProtocolError(f"There is no client message of type {kind}.")
    return (yield from read(reader, offered))


def _set_pixel_format(reader: StreamReader, _: Offered) -> Parse[Parsed]:
    """RFC 6143 section 7.5.1."""
    data = yield from reader.read(_PIXEL_FORMAT.size)
    return SetPixelFormat(PixelFormat.unpack(_PIXEL_FORMAT.unpack(data)[0]))


def _set_encodings(reader: StreamReader, _: Offered) -> Parse[Parsed]:
    """RFC 6143 section 7.5.2."""
    (count,) = yield from reader.unpack(_ENCODINGS)
    if count > MAX_ENCODINGS:
        raise ProtocolError(f"Nobody has {count} encodings.")
    data = yield from reader.read(count * 4)
    return SetEncodings(struct.unpack(f">{count}i", data))


def _update_request(reader: StreamReader, _: Offered) -> Parse[Parsed]:
    """RFC 6143 section 7.5.3."""
    incremental, *area = yield from reader.unpack(_AREA)
    return FramebufferUpdateRequest(bool(incremental), *area)


def _key_event(reader: StreamReader, _: Offered) -> Parse[Parsed]:
    """RFC 6143 section 7.5.4."""
    down, keysym = yield from reader.unpack(_KEY)
    return KeyEvent(keysym, bool(down))


def _pointer_event(reader: StreamReader, offered: Offered) -> Parse[Parsed]:
    """RFC 6143 section 7.5.5; the marker bit and the extra byte: rfbproto, PointerEvent."""
    buttons, x, y = yield from reader.unpack(_POINTER)
    if buttons & _EXTENDED_POINTER and Encoding.EXTENDED_MOUSE_BUTTONS in offered:
        more = yield from reader.byte()
        buttons = buttons & ~_EXTENDED_POINTER | more << 7
    return PointerEvent(x, y, buttons)


def _cut_text(reader: StreamReader, offered: Offered) -> Parse[Parsed]:
    """RFC 6143 section 7.5.6; rfbproto, Extended Clipboard."""
    extended = Encoding.EXTENDED_CLIPBOARD in offered
    found = yield from read_cut_text(reader, extended=extended)
    return ClientCutText(found) if isinstance(found, str) else found


def _continuous_updates(reader: StreamReader, _: Offered) -> Parse[Parsed]:
    """Rfbproto, EnableContinuousUpdates."""
    enable, *area = yield from reader.unpack(_AREA)
    return EnableContinuousUpdates(bool(enable), *area)


def _fence(reader: StreamReader, _: Offered) -> Parse[Parsed]:
    """Rfbproto, ClientFence."""
    flags, length = yield from reader.unpack(_FENCE)
    if length > MAX_FENCE_BYTES:
        raise ProtocolError(f"A fence has {length} bytes of payload.")
    return ClientFence(flags, (yield from reader.read(length)))


def _set_desktop_size(reader: StreamReader, _: Offered) -> Parse[Parsed]:
    """Rfbproto, SetDesktopSize."""
    width, height, count = yield from reader.unpack(_SIZE)
    data = yield from reader.read(count * SCREEN.size)
    screens = tuple(Screen(*fields) for fields in SCREEN.iter_unpack(data))
    return SetDesktopSize(width, height, screens)


def _qemu(reader: StreamReader, _: Offered) -> Parse[Parsed]:
    """Rfbproto, QEMU Extended Key Event Message: the only submessage that we invite."""
    submessage = yield from reader.byte()
    if submessage != 0:
        raise ProtocolError(f"There is no QEMU message of type {submessage}.")
    down, keysym, keycode = yield from reader.unpack(_QEMU_KEY)
    return KeyEvent(keysym, bool(down), keycode)


_READERS: dict[int, Callable[[StreamReader, Offered], Parse[Parsed]]] = {
    Kind.SET_PIXEL_FORMAT: _set_pixel_format,
    Kind.SET_ENCODINGS: _set_encodings,
    Kind.FRAMEBUFFER_UPDATE_REQUEST: _update_request,
    Kind.KEY_EVENT: _key_event,
    Kind.POINTER_EVENT: _pointer_event,
    Kind.CLIENT_CUT_TEXT: _cut_text,
    Kind.ENABLE_CONTINUOUS_UPDATES: _continuous_updates,
    Kind.CLIENT_FENCE: _fence,
    Kind.SET_DESKTOP_SIZE: _set_desktop_size,
    Kind.QEMU: _qemu,
}
