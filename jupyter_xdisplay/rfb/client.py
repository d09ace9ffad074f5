"""The client's side of an RFB connection, without I/O."""

from __future__ import annotations

import struct

from jupyter_xdisplay.rfb import clipboard
from jupyter_xdisplay.rfb.client_handshake import shake_hands
from jupyter_xdisplay.rfb.client_updates import UpdateReader
from jupyter_xdisplay.rfb.clipboard import Action
from jupyter_xdisplay.rfb.constants import ClientMessageType as Kind
from jupyter_xdisplay.rfb.constants import Encoding, FenceFlag
from jupyter_xdisplay.rfb.constants import ServerMessageType as Heard
from jupyter_xdisplay.rfb.cut_text import read_cut_text
from jupyter_xdisplay.rfb.encodings.desktop import SCREEN
from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.limits import MAX_FENCE_BYTES
from jupyter_xdisplay.rfb.messages import (
    Bell,
    ClipboardTooLong,
    Connected,
    ContinuousUpdatesEnded,
    Failed,
    FenceReceived,
    Rect,
    Screen,
    ServerCutText,
    ServerMessage,
)
from jupyter_xdisplay.rfb.pixel_format import BGRX32, PixelFormat, Pixels
from jupyter_xdisplay.rfb.security import check_password
from jupyter_xdisplay.rfb.stream import Connection, Parse

DEFAULT_ENCODINGS: tuple[int, ...] = (
    Encoding.COPY_RECT,
    Encoding.TIGHT,
    Encoding.ZRLE,
    Encoding.RAW,
    Encoding.DESKTOP_SIZE,
    Encoding.EXTENDED_DESKTOP_SIZE,
    Encoding.DESKTOP_NAME,
    Encoding.LAST_RECT,
    Encoding.CURSOR,
    Encoding.FENCE,
    Encoding.CONTINUOUS_UPDATES,
    Encoding.QEMU_EXTENDED_KEY_EVENT,
    Encoding.EXTENDED_MOUSE_BUTTONS,
    Encoding.EXTENDED_CLIPBOARD,
)
"""All we can read; no JPEG quality level, so that pixels are exact."""

_AREA = struct.Struct(">BBHHHH")
_ENCODINGS = struct.Struct(">BxH")
_KEY = struct.Struct(">BBxxI")
_QEMU_KEY = struct.Struct(">BBHII")
_POINTER = struct.Struct(">BBHH")
_FENCE = struct.Struct(">3xIB")
_SIZE = struct.Struct(">BxHHBx")
_COLOUR_MAP = struct.Struct(">xHH")
_FENCE_FLAGS = FenceFlag.BLOCK_BEFORE | FenceFlag.BLOCK_AFTER | FenceFlag.SYNC_NEXT
_MARKER = 0x80


class ClientConnection(Connection[ServerMessage]):
    """A viewer.

    Fences of the server, and the negotiation of the clipboard, are answered here; asking for
    updates is up to the caller (`request_update` once the event `Connected` came).

    Parameters
    ----------
    password
        For servers that ask for VNC Authentication; its first 8 characters count.
    shared
        Leaves other viewers connected.
    encodings
        What to offer, what is liked best first; add a JPEG quality level to let the server send
        JPEG.
    pixel_format
        What pixels are to have on the wire; `framebuffer` is always blue, green, red, 255.
    """

    def __init__(
        self,
        *,
        password: str | None = None,
        shared: bool = True,
        encodings: tuple[int, ...] = DEFAULT_ENCODINGS,
        pixel_format: PixelFormat = BGRX32,
    ) -> None:
        if password is not None:
            check_password(password)
        pixel_format.check()
        self._password = password
        self._shared = shared
        self._encodings = encodings
        self._pixel_format = pixel_format
        self._fences = False
        self._text: str | None = None
        self._server_accepts: Action | None = None
        super().__init__()
        self._updates = UpdateReader(self._reader, pixel_format)

    @property
    def framebuffer(self) -> Pixels:
        """What the server shows, of shape `[height, width, 4]`; another array at a new size."""
        return self._updates.framebuffer

    @property
    def name(self) -> str:
        """The desktop's name."""
        return self._updates.name

    @property
    def screens(self) -> tuple[Screen, ...]:
        """Those of the last ExtendedDesktopSize (rfbproto); empty before one came."""
        return self._updates.screens

    # Receiving

    def _parse(self) -> Parse[None]:
        init = yield from shake_hands(self._reader, self._send, self._password, shared=self._shared)
        self._updates.resize(init.width, init.height)
        self._updates.name = init.name
        self.state = "running"
        self._send(bytes([Kind.SET_PIXEL_FORMAT, 0, 0, 0]) + self._pixel_format.pack())
        self.set_encodings(self._encodings)
        self._add(Connected(init.name, init.width, init.height))
        while True:
            yield from self._message((yield from self._reader.byte()))

    def _message(self, kind: int) -> Parse[None]:
        """Read one message (RFC 6143 section 7.6, rfbproto)."""
        if kind == Heard.FRAMEBUFFER_UPDATE:
            yield from self._updates.read(self._add)
        elif kind == Heard.SET_COLOUR_MAP_ENTRIES:
            _, count = yield from self._reader.unpack(_COLOUR_MAP)
            yield from self._reader.skip(count * 6)
        elif kind == Heard.BELL:
            self._add(Bell())
        elif kind == Heard.SERVER_CUT_TEXT:
            yield from self._cut_text()
        elif kind == Heard.END_OF_CONTINUOUS_UPDATES:
            self._add(ContinuousUpdatesEnded())
        elif kind == Heard.SERVER_FENCE:
            yield from self._fence()
        else:
            raise ProtocolError(f"There is no server message of type {kind}.")

    def _fence(self) -> Parse[None]:
        """Answer a fence (rfbproto, ServerFence): everything before it has been done."""
        flags, length = yield from self._reader.unpack(_FENCE)
        if length > MAX_FENCE_BYTES:
            raise ProtocolError(f"A fence has {length} bytes of payload.")
        payload = yield from self._reader.read(length)
        self._fences = True
        if flags & FenceFlag.REQUEST:
            self._send_fence(flags & _FENCE_FLAGS, payload)
        else:
            self._add(FenceReceived(flags, payload))

    def _cut_text(self) -> Parse[None]:
        """Plain text, or a step of the extended clipboard: new text is asked for at once."""
        extended = Encoding.EXTENDED_CLIPBOARD in self._encodings
        found = yield from read_cut_text(self._reader, extended=extended)
        if isinstance(found, str):
            self._add(ServerCutText(found), len(found))
        elif isinstance(found, ClipboardTooLong):
            self._add(found)
        elif found.action == Action.CAPS:
            self._server_accepts = found.accepts
            self._send_cut_text(clipboard.caps())
        elif found.action == Action.NOTIFY and found.has_text:
            self._send_cut_text(clipboard.request())
        elif found.action == Action.PEEK:
            self._send_cut_text(clipboard.notify(bool(self._text)))
        elif found.action == Action.REQUEST and found.has_text:
            self._send_cut_text(clipboard.provide(self._text or ""))
        elif found.text is not None:
            self._add(ServerCutText(found.text), len(found.text))
        elif found.too_long:
            self._add(ClipboardTooLong(found.too_long))

    def receive_eof(self) -> None:
        """Say that the stream ended; before the handshake's end that is a failure."""
        if self.state == "handshake":
            self._fail("The server ended the connection before its handshake was over.")
        self.close()

    def _fail(self, message: str) -> None:
        super()._fail(message)
        self._events.append(Failed(message))

    # Sending

    def set_encodings(self, encodings: tuple[int, ...]) -> None:
        """Say what we can read (RFC 6143 section 7.5.2)."""
        self._encodings = encodings
        self._send(
            _ENCODINGS.pack(Kind.SET_ENCODINGS, len(encodings))
            + struct.pack(f">{len(encodings)}i", *encodings)
        )

    def request_update(self, *, incremental: bool = True, area: Rect | None = None) -> None:
        """Ask for what changed, or for everything, in an area (RFC 6143 section 7.5.3)."""
        area = area or self._whole()
        self._send(_AREA.pack(Kind.FRAMEBUFFER_UPDATE_REQUEST, incremental, *area))

    def enable_continuous_updates(self, *, enable: bool = True, area: Rect | None = None) -> None:
        """Ask for updates without asking for each (rfbproto); only where the server can."""
        area = area or self._whole()
        self._send(_AREA.pack(Kind.ENABLE_CONTINUOUS_UPDATES, enable, *area))

    def _whole(self) -> Rect:
        height, width = self.framebuffer.shape[:2]
        return Rect(0, 0, width, height)

    def key(self, keysym: int, *, down: bool, keycode: int | None = None) -> None:
        """Press or release a key (RFC 6143 section 7.5.4).

        `keycode` is its XT scancode (rfbproto, QEMU Extended Key Event); sent where the server
        takes it.
        """
        if keycode is not None and Encoding.QEMU_EXTENDED_KEY_EVENT in self._updates.marks:
            self._send(_QEMU_KEY.pack(Kind.QEMU, 0, down, keysym, keycode))
        else:
            self._send(_KEY.pack(Kind.KEY_EVENT, down, keysym))

    def pointer(self, x: int, y: int, buttons: int = 0) -> None:
        """Move the pointer; bit n of `buttons` is button n + 1 (RFC 6143 section 7.5.5).

        Buttons beyond the eighth reach servers with ExtendedMouseButtons (rfbproto) only.
        """
        if buttons & ~0x7F and Encoding.EXTENDED_MOUSE_BUTTONS in self._updates.marks:
            low, high = buttons & 0x7F | _MARKER, buttons >> 7 & 0xFF
            self._send(_POINTER.pack(Kind.POINTER_EVENT, low, x, y) + bytes([high]))
        else:
            low = buttons & (0x7F if Encoding.EXTENDED_MOUSE_BUTTONS in self._encodings else 0xFF)
            self._send(_POINTER.pack(Kind.POINTER_EVENT, low, x, y))

    def set_desktop_size(self, width: int, height: int) -> bool:
        """Ask for another size (rfbproto); False when the server cannot (or did not tell yet)."""
        screens = self._updates.screens
        if not screens:
            return False
        first = screens[0]
        screen = Screen(first.id, 0, 0, width, height, first.flags)
        self._send(_SIZE.pack(Kind.SET_DESKTOP_SIZE, width, height, 1) + SCREEN.pack(*screen))
        return True

    def clipboard(self, text: str) -> None:
        """Offer a new clipboard text: as UTF-8 where the server can, else as Latin-1."""
        self._text = text
        if self._server_accepts is None:
            self._send_cut_text(clipboard.plain(text))
        elif self._server_accepts & Action.NOTIFY:
            self._send_cut_text(clipboard.notify(bool(text)))
        else:
            self._send_cut_text(clipboard.provide(text))

    def fence(self, flags: int = FenceFlag.BLOCK_BEFORE, payload: bytes = b"") -> bool:
        """Ask for an answer in the order of the stream (rfbproto); False: the server cannot."""
        if self._fences:
            self._send_fence(flags | FenceFlag.REQUEST, payload)
        return self._fences

    def _send_fence(self, flags: int, payload: bytes) -> None:
        self._send(bytes([Kind.CLIENT_FENCE]) + _FENCE.pack(flags, len(payload)) + payload)

    def _send_cut_text(self, data: bytes) -> None:
        self._send(bytes([Kind.CLIENT_CUT_TEXT, 0, 0, 0]) + data)
