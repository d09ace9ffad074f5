"""RFB 3.8, the protocol of VNC, both sides of it, without I/O (sans-IO).

`ServerConnection` and `ClientConnection` turn bytes into messages and messages into bytes; the
modules of `encodings` turn pixels into rectangles and back. Sockets, threads and X are elsewhere.

Sources: RFC 6143, and for extensions the community's protocol document
(https://github.com/rfbproto/rfbproto).
"""

from __future__ import annotations

from jupyter_xdisplay.rfb.client import DEFAULT_ENCODINGS, ClientConnection
from jupyter_xdisplay.rfb.constants import (
    Encoding,
    FenceFlag,
    ResizeReason,
    ResizeStatus,
    Security,
)
from jupyter_xdisplay.rfb.encodings import copyrect, cursor, raw, tight, zrle
from jupyter_xdisplay.rfb.encodings.desktop import (
    rect_desktop_name,
    rect_desktop_size,
    rect_extended_desktop_size,
)
from jupyter_xdisplay.rfb.encodings.palette import find_palette
from jupyter_xdisplay.rfb.encodings.state import EncoderState
from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.messages import (
    Bell,
    ClientCutText,
    ClientFence,
    ClientInit,
    ClientMessage,
    ClipboardAnnounced,
    ClipboardTooLong,
    Connected,
    ContinuousUpdatesEnded,
    CursorChanged,
    EnableContinuousUpdates,
    Failed,
    FenceReceived,
    FramebufferUpdateRequest,
    KeyEvent,
    NameChanged,
    PointerEvent,
    Rect,
    Resized,
    Screen,
    ServerCutText,
    ServerMessage,
    SetDesktopSize,
    SetEncodings,
    SetPixelFormat,
    Updated,
)
from jupyter_xdisplay.rfb.pixel_format import BGRX32, PixelFormat, Pixels
from jupyter_xdisplay.rfb.server import ServerConnection

__all__ = [
    "BGRX32",
    "DEFAULT_ENCODINGS",
    "Bell",
    "ClientConnection",
    "ClientCutText",
    "ClientFence",
    "ClientInit",
    "ClientMessage",
    "ClipboardAnnounced",
    "ClipboardTooLong",
    "Connected",
    "ContinuousUpdatesEnded",
    "CursorChanged",
    "EnableContinuousUpdates",
    "EncoderState",
    "Encoding",
    "Failed",
    "FenceFlag",
    "FenceReceived",
    "FramebufferUpdateRequest",
    "KeyEvent",
    "NameChanged",
    "PixelFormat",
    "Pixels",
    "PointerEvent",
    "ProtocolError",
    "Rect",
    "ResizeReason",
    "ResizeStatus",
    "Resized",
    "Screen",
    "Security",
    "ServerConnection",
    "ServerCutText",
    "ServerMessage",
    "SetDesktopSize",
    "SetEncodings",
    "SetPixelFormat",
    "Updated",
    "copyrect",
    "cursor",
    "find_palette",
    "raw",
    "rect_desktop_name",
    "rect_desktop_size",
    "rect_extended_desktop_size",
    "tight",
    "zrle",
]
