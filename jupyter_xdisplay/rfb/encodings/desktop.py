"""Pseudo-encodings about the desktop: its size, its name, and marks without data.

DesktopSize is RFC 6143 section 7.8.2; ExtendedDesktopSize, DesktopName, LastRect and the empty
rectangles that answer an offer are in rfbproto.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from jupyter_xdisplay.rfb.constants import Encoding
from jupyter_xdisplay.rfb.encodings.rect import header
from jupyter_xdisplay.rfb.limits import MAX_TEXT_BYTES
from jupyter_xdisplay.rfb.messages import Screen
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

SCREEN = struct.Struct(">IHHHHI")
_SCREENS = struct.Struct(">B3x")
_LENGTH = struct.Struct(">I")

LAST_RECT = header(0, 0, 0, 0, Encoding.LAST_RECT)
"""Ends an update that did not say how many rectangles it has."""


def mark(encoding: Encoding) -> bytes:
    """Return an empty rectangle: the server takes what the client offered by that encoding."""
    return header(0, 0, 0, 0, encoding)


def rect_desktop_size(size: tuple[int, int]) -> bytes:
    """Return the rectangle that says the framebuffer's width and height; the last of its update."""
    return header(0, 0, size[0], size[1], Encoding.DESKTOP_SIZE)


def rect_extended_desktop_size(
    reason: int,
    status: int,
    size: tuple[int, int],
    screens: Sequence[Screen] = (),
) -> bytes:
    """Return the rectangle that says the framebuffer's size, and why.

    It may not be in an update that has pixels. Without `screens` there is one, with the id 0,
    as large as the framebuffer.
    """
    screens = screens or (Screen(0, 0, 0, size[0], size[1], 0),)
    head = header(reason, status, size[0], size[1], Encoding.EXTENDED_DESKTOP_SIZE)
    return b"".join([head, _SCREENS.pack(len(screens)), *(SCREEN.pack(*s) for s in screens)])


def read_screens(reader: StreamReader) -> Parse[tuple[Screen, ...]]:
    """Read the data of an ExtendedDesktopSize rectangle: at most 255 screens."""
    (count,) = yield from reader.unpack(_SCREENS)
    data = yield from reader.read(count * SCREEN.size)
    return tuple(Screen(*fields) for fields in SCREEN.iter_unpack(data))


def rect_desktop_name(name: str) -> bytes:
    """Return the rectangle that names the desktop."""
    encoded = name.encode("utf-8", "replace")[:MAX_TEXT_BYTES]
    return header(0, 0, 0, 0, Encoding.DESKTOP_NAME) + _LENGTH.pack(len(encoded)) + encoded


def read_text(reader: StreamReader) -> Parse[str]:
    """Read a length and a text of UTF-8; of a longer one, the first `MAX_TEXT_BYTES`."""
    (length,) = yield from reader.unpack(_LENGTH)
    data = yield from reader.read(min(length, MAX_TEXT_BYTES))
    yield from reader.skip(length - len(data))
    return data.decode("utf-8", "replace")
