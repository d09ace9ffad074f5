"""What connections tell: frozen values, one per message.

`ClientMessage` is what the server side hears, `ServerMessage` what the client side hears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels


class Rect(NamedTuple):
    """A rectangle of the framebuffer, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class ClientInit:
    """The handshake is over; `shared` asks to leave other viewers connected (RFC 6143 7.3.1)."""

    shared: bool


@dataclass(frozen=True)
class SetPixelFormat:
    """Rectangles after this one are to have that format (RFC 6143 section 7.5.1)."""

    pixel_format: PixelFormat


@dataclass(frozen=True)
class SetEncodings:
    """What the client can read, what it likes best first (RFC 6143 section 7.5.2)."""

    encodings: tuple[int, ...]


@dataclass(frozen=True)
class FramebufferUpdateRequest:
    """The client waits for pixels, all of them or what changed (RFC 6143 section 7.5.3)."""

    incremental: bool
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class KeyEvent:
    """A key went down or up (RFC 6143 section 7.5.4).

    `keycode` is the XT scancode of a QEMU Extended Key Event (rfbproto), 0x80 added where the
    scancode has the prefix 0xe0; None in a plain event. `keysym` is 0 where it is unknown.
    """

    keysym: int
    down: bool
    keycode: int | None = None


@dataclass(frozen=True)
class PointerEvent:
    """Where the pointer is and what is pressed (RFC 6143 section 7.5.5).

    Bit n of `buttons` is button n + 1: 3 to 6 are the wheel up, down, left and right, 7 back,
    8 forward (rfbproto, ExtendedMouseButtons).
    """

    x: int
    y: int
    buttons: int


@dataclass(frozen=True)
class ClientCutText:
    """The client's clipboard, lines ended by newlines (RFC 6143 section 7.5.6, rfbproto)."""

    text: str


@dataclass(frozen=True)
class ClipboardAnnounced:
    """The client has a new text (rfbproto, Extended Clipboard, notify); it was asked for."""


@dataclass(frozen=True)
class ClipboardTooLong:
    """The other side's clipboard has more bytes than we take; it was passed over."""

    size: int


@dataclass(frozen=True)
class EnableContinuousUpdates:
    """The client wants updates of a part without asking for each, or no longer (rfbproto)."""

    enable: bool
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class ClientFence:
    """The answer to a fence of ours (rfbproto); the client's own are answered by themselves."""

    flags: int
    payload: bytes


class Screen(NamedTuple):
    """A monitor of the framebuffer (rfbproto, ExtendedDesktopSize)."""

    id: int
    x: int
    y: int
    width: int
    height: int
    flags: int


@dataclass(frozen=True)
class SetDesktopSize:
    """The client asks for another size (rfbproto); answer with `ServerConnection.resize`."""

    width: int
    height: int
    screens: tuple[Screen, ...] = ()


ClientMessage = (
    ClientInit
    | SetPixelFormat
    | SetEncodings
    | FramebufferUpdateRequest
    | KeyEvent
    | PointerEvent
    | ClientCutText
    | ClipboardAnnounced
    | ClipboardTooLong
    | EnableContinuousUpdates
    | ClientFence
    | SetDesktopSize
)


@dataclass(frozen=True)
class Connected:
    """The handshake is over (ServerInit, RFC 6143 section 7.3.2)."""

    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Updated:
    """One FramebufferUpdate is in the framebuffer (RFC 6143 section 7.6.1).

    `rectangles` are those with pixels, `encodings` theirs; an update of pseudo-rectangles only
    has none.
    """

    rectangles: tuple[Rect, ...]
    encodings: tuple[int, ...]


@dataclass(frozen=True)
class Resized:
    """The framebuffer has a new size, or a request for one was refused (rfbproto).

    `status` is 0 when nothing was refused; `reason` and `status` are those of an
    ExtendedDesktopSize rectangle.
    """

    width: int
    height: int
    reason: int = 0
    status: int = 0
    screens: tuple[Screen, ...] = ()


@dataclass(frozen=True, eq=False)
class CursorChanged:
    """The pointer looks different (RFC 6143 section 7.8.1).

    `pixels` has blue, green, red and alpha (0 or 255), of shape `[height, width, 4]`.
    """

    pixels: Pixels
    hot_x: int
    hot_y: int


@dataclass(frozen=True)
class NameChanged:
    """The desktop has a new name (rfbproto, DesktopName)."""

    name: str


@dataclass(frozen=True)
class Bell:
    """The server rings (RFC 6143 section 7.6.3)."""


@dataclass(frozen=True)
class ServerCutText:
    """The server's clipboard, lines ended by newlines (RFC 6143 section 7.6.4, rfbproto)."""

    text: str


@dataclass(frozen=True)
class FenceReceived:
    """The answer to a fence of ours (rfbproto); the server's own are answered by themselves."""

    flags: int
    payload: bytes


@dataclass(frozen=True)
class ContinuousUpdatesEnded:
    """The server takes EnableContinuousUpdates, or ended them as asked (rfbproto)."""


@dataclass(frozen=True)
class Failed:
    """The connection is over; the message says why."""

    message: str


ServerMessage = (
    Connected
    | Updated
    | Resized
    | CursorChanged
    | NameChanged
    | Bell
    | ServerCutText
    | ClipboardTooLong
    | FenceReceived
    | ContinuousUpdatesEnded
    | Failed
)
