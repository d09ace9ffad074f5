"""The server's side of an RFB connection, without I/O."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from jupyter_xdisplay.rfb import clipboard
from jupyter_xdisplay.rfb.client_messages import Parsed, read_message
from jupyter_xdisplay.rfb.clipboard import Action, ExtendedCutText
from jupyter_xdisplay.rfb.constants import (
    Encoding,
    FenceFlag,
    ResizeReason,
    ResizeStatus,
    ServerMessageType,
)
from jupyter_xdisplay.rfb.encodings import cursor, desktop
from jupyter_xdisplay.rfb.limits import MAX_FENCE_BYTES
from jupyter_xdisplay.rfb.messages import (
    ClientCutText,
    ClientFence,
    ClientInit,
    ClientMessage,
    ClipboardAnnounced,
    ClipboardTooLong,
    EnableContinuousUpdates,
    FramebufferUpdateRequest,
    Screen,
    SetEncodings,
    SetPixelFormat,
)
from jupyter_xdisplay.rfb.pixel_format import BGRX32, PixelFormat, Pixels
from jupyter_xdisplay.rfb.security import check_password
from jupyter_xdisplay.rfb.server_handshake import server_init, shake_hands
from jupyter_xdisplay.rfb.stream import Connection, Parse

_UPDATE = struct.Struct(">BxH")
_FENCE = struct.Struct(">B3xIB")
_UNKNOWN_COUNT = 0xFFFF
_MOST_RECTANGLES = 0xFFFE
_FENCE_FLAGS = FenceFlag.BLOCK_BEFORE | FenceFlag.BLOCK_AFTER | FenceFlag.SYNC_NEXT
_DEFAULT_COMPRESSION = 1
MAX_SCREENS = 255
"""Their number is one byte (rfbproto, ExtendedDesktopSize)."""


class ServerConnection(Connection[ClientMessage]):
    """One viewer of a framebuffer.

    What the protocol itself demands is answered here: the handshake, fences, the end of continuous
    updates, the clipboard's negotiation, and an ExtendedDesktopSize rectangle for each
    non-incremental request. Pixels and sizes are the caller's.

    `pixel_format` and `encodings` are values that are replaced whole, so other threads may read
    them; rectangles made with a `pixel_format` that is no longer this one must not be sent (see
    `EncoderState.abandon_update`).

    Parameters
    ----------
    name
        Name of the desktop, shown by viewers.
    size
        Width and height of the framebuffer in pixels.
    password
        Asks for VNC Authentication; its first 8 characters count. None: no security.

    Raises
    ------
    UsageError
        When the password is empty or not Latin-1.
    ProgramMissing
        When there is a password and the package cryptography is missing.
    """

    def __init__(self, name: str, size: tuple[int, int], *, password: str | None = None) -> None:
        if password is not None:
            check_password(password)
        self.name = name
        self.size = (size[0], size[1])
        """Width and height that the client was told, or will be; see `resize`."""
        self.screens: tuple[Screen, ...] = ()
        """What ExtendedDesktopSize says of them; empty: one as large as the framebuffer."""
        self.pixel_format: PixelFormat = BGRX32
        self.offered: tuple[int, ...] = ()
        """What the client can read, what it likes best first."""
        self.encodings: frozenset[int] = frozenset()
        """The same as a set."""
        self.continuous_updates = False
        self.defer_fences = False
        """Whether a fence of the client with BlockBefore is passed on; `answer_fence` answers."""
        self._password = password
        self._announced: set[int] = set()
        self._marks: list[bytes] = []
        self._sync_fence: ClientFence | None = None
        self._awaits_first_fence = False
        self._text: str | None = None
        self._clipboard_accepts = Action.REQUEST | Action.NOTIFY | Action.PROVIDE
        super().__init__()

    # What the client can do

    def supports(self, encoding: int) -> bool:
        """Whether the client offered that encoding."""
        return encoding in self.encodings

    @property
    def jpeg_quality(self) -> int | None:
        """Quality level from 0 to 9 that the client asks for; None: it takes no JPEG."""
        return self._level(Encoding.JPEG_QUALITY_LEVEL_0, Encoding.JPEG_QUALITY_LEVEL_9)

    @property
    def compression(self) -> int:
        """Compression level from 0 to 9 that the client asks for; 1 when it does not say."""
        level = self._level(Encoding.COMPRESSION_LEVEL_0, Encoding.COMPRESSION_LEVEL_9)
        return _DEFAULT_COMPRESSION if level is None else level

    def _level(self, lowest: int, highest: int) -> int | None:
        levels = [code - lowest for code in self.offered if lowest <= code <= highest]
        return levels[-1] if levels else None

    # Receiving

    def _parse(self) -> Parse[None]:
        shared = yield from shake_hands(self._reader, self._send, self._password)
        self._send(server_init(self.size, self.name))
        self.state = "running"
        self._add(ClientInit(shared))
        while True:
            message = yield from read_message(self._reader, self.encodings)
            fence, self._sync_fence = self._sync_fence, None
            self._take(message)
            if fence is not None:
                self.answer_fence(fence)

    def _take(self, message: Parsed) -> None:
        """Do what a message demands of the protocol, and pass it on."""
        if isinstance(message, ExtendedCutText):
            self._take_clipboard(message)
            return
        if isinstance(message, ClientFence) and message.flags & FenceFlag.REQUEST:
            if message.flags & FenceFlag.SYNC_NEXT:
                self._sync_fence = message
            elif self.defer_fences and message.flags & FenceFlag.BLOCK_BEFORE:
                self._add(message)
            else:
                self.answer_fence(message)
            return
        if isinstance(message, ClientFence) and self._awaits_first_fence:
            self._awaits_first_fence = False  # the answer to the announcement
            return
        if isinstance(message, SetPixelFormat):
            self.pixel_format = message.pixel_format
        elif isinstance(message, SetEncodings):
            self._take_encodings(message.encodings)
        elif isinstance(message, FramebufferUpdateRequest) and not message.incremental:
            self._tell_size(ResizeReason.SERVER, ResizeStatus.OK)
        elif isinstance(message, EnableContinuousUpdates):
            self.continuous_updates = message.enable
            if not message.enable:
                self.send_end_of_continuous_updates()
        self._add(message, len(message.text) if isinstance(message, ClientCutText) else 0)

    def _take_encodings(self, offered: tuple[int, ...]) -> None:
        """Announce what both sides can (each extension's section in rfbproto)."""
        self.offered, self.encodings = offered, frozenset(offered)
        if self.supports(Encoding.EXTENDED_CLIPBOARD):
            self._send_cut_text(clipboard.caps())
        new = self.encodings - self._announced
        self._announced |= new & {*Encoding}
        if Encoding.FENCE in new:
            self._awaits_first_fence = True
            self.send_fence(FenceFlag.REQUEST)
        if Encoding.CONTINUOUS_UPDATES in new:
            self.send_end_of_continuous_updates()
        for encoding in (Encoding.QEMU_EXTENDED_KEY_EVENT, Encoding.EXTENDED_MOUSE_BUTTONS):
            if encoding in new:
                self._marks.append(desktop.mark(encoding))

    def _take_clipboard(self, message: ExtendedCutText) -> None:
        """Negotiate (rfbproto, Extended Clipboard): new text is asked for at once."""
        if message.action == Action.CAPS:
            self._clipboard_accepts = message.accepts
        elif message.action == Action.NOTIFY and message.has_text:
            self._send_cut_text(clipboard.request())
            self._add(ClipboardAnnounced())
        elif message.action == Action.PEEK:
            self._send_cut_text(clipboard.notify(bool(self._text)))
        elif message.action == Action.REQUEST and message.has_text:
            self._send_cut_text(clipboard.provide(self._text or ""))
        elif message.text is not None:
            self._add(ClientCutText(message.text), len(message.text))
        elif message.too_long:
            self._add(ClipboardTooLong(message.too_long))

    # Sending

    def send_update(self, rectangles: Sequence[bytes], *, last_rect: bool = False) -> None:
        """Send a FramebufferUpdate (RFC 6143 section 7.6.1).

        Parameters
        ----------
        rectangles
            Each of them whole, as encoders return them.
        last_rect
            Do not count the rectangles but end them with LastRect; only for clients that
            offered it.
        """
        if self._marks and rectangles:
            rectangles = [*self._marks, *rectangles]
            self._marks = []
        count = _UNKNOWN_COUNT if last_rect else len(rectangles)
        if not last_rect and count > _MOST_RECTANGLES:
            raise ValueError(f"{count} rectangles do not fit into one update")
        self._send(_UPDATE.pack(ServerMessageType.FRAMEBUFFER_UPDATE, count))
        for rectangle in rectangles:
            self._send(rectangle)
        if last_rect:
            self._send(desktop.LAST_RECT)

    def resize(
        self,
        size: tuple[int, int],
        reason: int = ResizeReason.SERVER,
        screens: Sequence[Screen] = (),
    ) -> bool:
        """Tell the client the framebuffer's new size, or screens, in an update of its own.

        False when it cannot be told: pixels must then stay within the size it knows, which is
        `size` still.
        """
        before = self.size
        self.screens = tuple(screens[:MAX_SCREENS])
        if self.state == "handshake":
            self.size = (size[0], size[1])
            return True
        if not self.encodings & {Encoding.DESKTOP_SIZE, Encoding.EXTENDED_DESKTOP_SIZE}:
            return before == (size[0], size[1])
        self.size = (size[0], size[1])
        if not self._tell_size(reason, ResizeStatus.OK) and self.size != before:
            self.send_update([desktop.rect_desktop_size(self.size)])
        return True

    def refuse_resize(self, status: int = ResizeStatus.PROHIBITED) -> None:
        """Answer a SetDesktopSize that is not done (rfbproto)."""
        self._tell_size(ResizeReason.THIS_CLIENT, status)

    def _tell_size(self, reason: int, status: int) -> bool:
        if not self.supports(Encoding.EXTENDED_DESKTOP_SIZE):
            return False
        told = desktop.rect_extended_desktop_size(reason, status, self.size, self.screens)
        self.send_update([told])
        return True

    def rect_cursor(self, pixels: Pixels, hot_x: int, hot_y: int) -> bytes:
        """Return the rectangle with a cursor (blue, green, red, alpha) for `send_update`."""
        return cursor.encode(pixels, hot_x, hot_y, self.pixel_format)

    def send_fence(
        self, flags: int = FenceFlag.REQUEST | FenceFlag.BLOCK_BEFORE, payload: bytes = b""
    ) -> None:
        """Send a ServerFence (rfbproto); the answer comes as `ClientFence`."""
        assert len(payload) <= MAX_FENCE_BYTES
        self._send(_FENCE.pack(ServerMessageType.SERVER_FENCE, flags, len(payload)) + payload)

    def answer_fence(self, fence: ClientFence) -> None:
        """Answer a fence of the client: what it came after is done."""
        self.send_fence(fence.flags & _FENCE_FLAGS, fence.payload)

    def send_end_of_continuous_updates(self) -> None:
        """Send EndOfContinuousUpdates (rfbproto)."""
        self._send(bytes([ServerMessageType.END_OF_CONTINUOUS_UPDATES]))

    def send_bell(self) -> None:
        """Ring (RFC 6143 section 7.6.3)."""
        self._send(bytes([ServerMessageType.BELL]))

    def send_clipboard(self, text: str) -> None:
        """Offer a new clipboard text: as UTF-8 where the client can, else as Latin-1."""
        self._text = text
        if self.supports(Encoding.EXTENDED_CLIPBOARD):
            if self._clipboard_accepts & Action.NOTIFY:
                self._send_cut_text(clipboard.notify(bool(text)))
            else:
                self._send_cut_text(clipboard.provide(text))
        else:
            self._send_cut_text(clipboard.plain(text))

    def _send_cut_text(self, data: bytes) -> None:
        self._send(bytes([ServerMessageType.SERVER_CUT_TEXT, 0, 0, 0]) + data)
