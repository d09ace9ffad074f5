"""The numbers of RFB: RFC 6143, and the community's rfbproto document for the extensions."""

from __future__ import annotations

from enum import IntEnum, IntFlag

VERSION_3_8 = b"RFB 003.008\n"
"""ProtocolVersion, RFC 6143 section 7.1.1."""


class Security(IntEnum):
    """Security types, RFC 6143 section 7.1.2."""

    INVALID = 0
    NONE = 1
    VNC_AUTHENTICATION = 2


class ClientMessageType(IntEnum):
    """Message types from client to server: RFC 6143 section 7.5, rfbproto for 150 and above."""

    SET_PIXEL_FORMAT = 0
    SET_ENCODINGS = 2
    FRAMEBUFFER_UPDATE_REQUEST = 3
    KEY_EVENT = 4
    POINTER_EVENT = 5
    CLIENT_CUT_TEXT = 6
    ENABLE_CONTINUOUS_UPDATES = 150
    CLIENT_FENCE = 248
    SET_DESKTOP_SIZE = 251
    QEMU = 255


class ServerMessageType(IntEnum):
    """Message types from server to client: RFC 6143 section 7.6, rfbproto for 150 and above."""

    FRAMEBUFFER_UPDATE = 0
    SET_COLOUR_MAP_ENTRIES = 1
    BELL = 2
    SERVER_CUT_TEXT = 3
    END_OF_CONTINUOUS_UPDATES = 150
    SERVER_FENCE = 248


class Encoding(IntEnum):
    """Encodings and pseudo-encodings: RFC 6143 sections 7.7 and 7.8, rfbproto for the others."""

    RAW = 0
    COPY_RECT = 1
    TIGHT = 7
    ZRLE = 16
    JPEG_QUALITY_LEVEL_9 = -23
    JPEG_QUALITY_LEVEL_0 = -32
    DESKTOP_SIZE = -223
    LAST_RECT = -224
    CURSOR = -239
    COMPRESSION_LEVEL_9 = -247
    COMPRESSION_LEVEL_0 = -256
    QEMU_EXTENDED_KEY_EVENT = -258
    DESKTOP_NAME = -307
    EXTENDED_DESKTOP_SIZE = -308
    FENCE = -312
    CONTINUOUS_UPDATES = -313
    EXTENDED_MOUSE_BUTTONS = -316
    EXTENDED_CLIPBOARD = 0xC0A1E5CE - (1 << 32)


class FenceFlag(IntFlag):
    """Flags of ClientFence and ServerFence (rfbproto, ClientFence)."""

    BLOCK_BEFORE = 1 << 0
    BLOCK_AFTER = 1 << 1
    SYNC_NEXT = 1 << 2
    REQUEST = 1 << 31


class ResizeReason(IntEnum):
    """Why the size changed: x-position of an ExtendedDesktopSize rectangle (rfbproto)."""

    SERVER = 0
    THIS_CLIENT = 1
    OTHER_CLIENT = 2


class ResizeStatus(IntEnum):
    """How a SetDesktopSize went: y-position of an ExtendedDesktopSize rectangle (rfbproto)."""

    OK = 0
    PROHIBITED = 1
    OUT_OF_RESOURCES = 2
    INVALID_LAYOUT = 3
    FORWARDED = 4
