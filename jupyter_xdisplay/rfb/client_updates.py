"""Reads framebuffer updates into a framebuffer (RFC 6143 section 7.6.1, rfbproto)."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from jupyter_xdisplay.rfb.constants import Encoding, ResizeReason, ResizeStatus
from jupyter_xdisplay.rfb.encodings import copyrect, cursor, raw, tight_decode, zrle_decode
from jupyter_xdisplay.rfb.encodings.desktop import read_screens, read_text
from jupyter_xdisplay.rfb.encodings.rect import HEADER
from jupyter_xdisplay.rfb.encodings.state import DecoderState
from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.limits import MAX_PIXELS, MAX_RECTANGLES
from jupyter_xdisplay.rfb.messages import (
    NameChanged,
    Rect,
    Resized,
    Screen,
    ServerMessage,
    Updated,
)
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

Add = Callable[[ServerMessage, int], None]
"""Takes an event, and its bytes where it can be large."""

_COUNT = struct.Struct(">xH")
_UNKNOWN_COUNT = 0xFFFF

_DECODERS = {
    Encoding.RAW: raw.decode,
    Encoding.COPY_RECT: copyrect.decode,
    Encoding.TIGHT: tight_decode.decode,
    Encoding.ZRLE: zrle_decode.decode,
}
_MARKS = {Encoding.QEMU_EXTENDED_KEY_EVENT, Encoding.EXTENDED_MOUSE_BUTTONS}


class UpdateReader:
    """The framebuffer as the server tells it.

    Parameters
    ----------
    reader
        Has the bytes.
    pixel_format
        That of all rectangles.
    """

    def __init__(self, reader: StreamReader, pixel_format: PixelFormat) -> None:
        self.framebuffer: Pixels = np.zeros((0, 0, 4), np.uint8)
        self.name = ""
        self.screens: tuple[Screen, ...] = ()
        """The last ExtendedDesktopSize's; empty: the server takes no SetDesktopSize."""
        self.marks: set[int] = set()
        """Extensions that the server announced by an empty rectangle."""
        self._reader = reader
        self._pixel_format = pixel_format
        self._state = DecoderState()

    def read(self, add: Add) -> Parse[None]:
        """Read what follows the type of a FramebufferUpdate."""
        (count,) = yield from self._reader.unpack(_COUNT)
        rectangles: list[Rect] = []
        encodings: list[int] = []
        for _ in range(MAX_RECTANGLES if count == _UNKNOWN_COUNT else count):
            *area, encoding = yield from self._reader.unpack(HEADER)
            if encoding == Encoding.LAST_RECT:
                break
            rect = Rect(*area)
            if encoding in _DECODERS:
                yield from self._pixels(rect, Encoding(encoding))
                rectangles.append(rect)
                encodings.append(encoding)
            else:
                yield from self._pseudo(rect, encoding, add)
        else:
            if count == _UNKNOWN_COUNT:
                raise ProtocolError("An update does not end.")
        add(Updated(tuple(rectangles), tuple(encodings)), 0)

    def _pixels(self, rect: Rect, encoding: Encoding) -> Parse[None]:
        height, width = self.framebuffer.shape[:2]
        if rect.x + rect.width > width or rect.y + rect.height > height:
            raise ProtocolError(f"A rectangle is outside of the framebuffer of {width}x{height}.")
        decode = _DECODERS[encoding]
        yield from decode(self._reader, rect, self._pixel_format, self._state, self.framebuffer)

    def _pseudo(self, rect: Rect, encoding: int, add: Add) -> Parse[None]:
        if encoding == Encoding.CURSOR:
            found = yield from cursor.decode(self._reader, rect, self._pixel_format)
            add(found, found.pixels.nbytes)
        elif encoding == Encoding.DESKTOP_SIZE:
            self.resize(rect.width, rect.height)
            add(Resized(rect.width, rect.height), 0)
        elif encoding == Encoding.EXTENDED_DESKTOP_SIZE:
            yield from self._extended_size(rect, add)
        elif encoding == Encoding.DESKTOP_NAME:
            self.name = yield from read_text(self._reader)
            add(NameChanged(self.name), len(self.name))
        elif encoding in _MARKS:
            self.marks.add(encoding)
        else:
            raise ProtocolError(f"A rectangle has the encoding {encoding}, which was not offered.")

    def _extended_size(self, rect: Rect, add: Add) -> Parse[None]:
        """ExtendedDesktopSize (rfbproto): x is the reason, y the status of a request of ours."""
        screens = yield from read_screens(self._reader)
        status = rect.y if rect.x == ResizeReason.THIS_CLIENT else int(ResizeStatus.OK)
        if status == ResizeStatus.OK:
            self.screens = screens or (Screen(0, 0, 0, rect.width, rect.height, 0),)
            self.resize(rect.width, rect.height)
        height, width = self.framebuffer.shape[:2]
        add(Resized(width, height, rect.x, status, screens), 0)

    def resize(self, width: int, height: int) -> None:
        """Give the framebuffer another size; what both have in common stays.

        Raises
        ------
        ProtocolError
            When that is larger than we take.
        """
        if width * height > MAX_PIXELS:
            raise ProtocolError(f"A framebuffer of {width}x{height} is too large.")
        old = self.framebuffer
        if old.shape[:2] == (height, width):
            return
        self.framebuffer = np.zeros((height, width, 4), np.uint8)
        self.framebuffer[..., 3] = 255
        rows, columns = min(height, old.shape[0]), min(width, old.shape[1])
        self.framebuffer[:rows, :columns] = old[:rows, :columns]
