"""Streams with everything in them, for both parsers."""

from __future__ import annotations

import struct
from functools import cache

from jupyter_xdisplay.rfb import (
    BGRX32,
    DEFAULT_ENCODINGS,
    EncoderState,
    FenceFlag,
    Rect,
    ServerConnection,
    copyrect,
    raw,
    rect_desktop_name,
    rect_desktop_size,
    tight,
    zrle,
)
from jupyter_xdisplay.rfb import clipboard as cut
from tests.rfb.pictures import RGB565, noise, smooth, stripes

SIZE = (64, 48)


@cache
def server_hello() -> bytes:
    """Return a server's whole handshake."""
    init = struct.pack(">HH", *SIZE) + BGRX32.pack() + bytes(4)
    return b"RFB 003.008\n\x01\x01" + bytes(4) + init


@cache
def client_stream() -> bytes:
    """Return what a client says: the handshake and every message."""
    offer = (*DEFAULT_ENCODINGS, -28, -254)
    parts = [
        b"RFB 003.008\n\x01\x01",
        bytes(4) + BGRX32.pack(),
        struct.pack(f">BxH{len(offer)}i", 2, len(offer), *offer),
        struct.pack(">BBHHHH", 3, 0, 0, 0, 64, 48),
        struct.pack(">BBxxI", 4, 1, 0xFF0D),
        struct.pack(">BBHII", 255, 0, 1, 0x61, 0x1E),
        struct.pack(">BBHH", 5, 0x01, 5, 6),
        struct.pack(">BBHHB", 5, 0x81, 5, 6, 3),
        b"\x06\0\0\0" + cut.plain("Grüße\n"),
        *(b"\x06\0\0\0" + m for m in (cut.caps(), cut.notify(True), cut.request())),
        b"\x06\0\0\0" + cut.provide("мир € " * 50),
        struct.pack(">BBHHHH", 150, 1, 0, 0, 64, 48),
        struct.pack(">BBHHHH", 150, 0, 0, 0, 64, 48),
        *(struct.pack(">BxxxIB", 248, flags, 4) + b"ping" for flags in (0, 0, 1, 1 << 31)),
        struct.pack(">BxxxIB", 248, FenceFlag.REQUEST | FenceFlag.SYNC_NEXT, 0),
        bytes(4) + RGB565.pack(),
        struct.pack(">BxHHBx", 251, 80, 60, 1) + struct.pack(">IHHHHI", 7, 0, 0, 80, 60, 0),
    ]
    return b"".join(parts)


@cache
def server_stream() -> bytes:
    """Return what a server says to a client of ours: every encoding and message."""
    server = ServerConnection("name", SIZE)
    server.receive_data(client_stream()[: client_stream().index(b"\x04\x01\0\0")])
    state = EncoderState(2)
    few, two, photo = stripes(60, 40, 9), stripes(60, 40, 2), smooth(60, 40)
    server.send_update(
        [
            *raw.encode(noise(30, 20), 1, 2, BGRX32),
            *copyrect.encode(Rect(5, 6, 20, 20), 0, 0),
            *(r for p in (few, two, photo, noise(3, 1)) for r in _tight(p, state)),
            *tight.encode_jpeg(photo, 3, 3, 5),
            *(r for p in (few, two, photo) for r in zrle.encode(p, 2, 1, BGRX32, state)),
            server.rect_cursor(noise(9, 7), 1, 1),
            rect_desktop_name("имя"),
        ]
    )
    server.resize((80, 60))
    server.send_update([rect_desktop_size((90, 70))])
    server.send_update(_tight(smooth(80, 60), state), last_rect=True)
    server.send_bell()
    server.send_clipboard("Ω")
    server.send_fence(FenceFlag.REQUEST, b"x")
    tail = b"\x03\0\0\0" + cut.provide("Ω€") + b"\x03\0\0\0" + cut.plain("plain")
    colours = struct.pack(">BxHH", 1, 0, 2) + bytes(12)
    return server.data_to_send() + tail + colours


def _tight(pixels: object, state: EncoderState) -> list[bytes]:
    return tight.encode_lossless(pixels, 0, 0, BGRX32, state)  # type: ignore[arg-type]
