"""The header that every rectangle begins with (RFC 6143 section 7.6.1)."""

from __future__ import annotations

import struct

HEADER = struct.Struct(">HHHHi")
"""x, y, width, height, encoding."""


def header(x: int, y: int, width: int, height: int, encoding: int) -> bytes:
    """Return the 12 bytes before a rectangle's data."""
    return HEADER.pack(x, y, width, height, encoding)
