"""Xauthority entries (Xau library, `xc/lib/Xau`; Xsecurity(7), MIT-MAGIC-COOKIE-1)."""

from __future__ import annotations

import secrets
import struct

FAMILY_WILD = 0xFFFF
"""Matches any host name: containers see another one than the X server (facts)."""

COOKIE_NAME = b"MIT-MAGIC-COOKIE-1"
COOKIE_BYTES = 16


def new_cookie() -> bytes:
    """Return 16 random bytes."""
    return secrets.token_bytes(COOKIE_BYTES)


def xauthority(cookie: bytes, display_number: int | None) -> bytes:
    """Return an Xauthority file with one FamilyWild entry.

    Without a `display_number` the entry is for every display: an X server that is to choose its
    own number needs its cookie before that number is known.
    """
    number = b"" if display_number is None else str(display_number).encode()
    fields = (b"", number, COOKIE_NAME, cookie)
    return struct.pack(">H", FAMILY_WILD) + b"".join(
        struct.pack(">H", len(item)) + item for item in fields
    )
