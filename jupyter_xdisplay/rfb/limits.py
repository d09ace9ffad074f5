"""Maxima for everything whose size the other side chooses: memory stays bounded."""

from __future__ import annotations

MAX_ENCODINGS = 4096
"""Encodings in one SetEncodings; real clients offer about 30."""

MAX_CLIPBOARD_BYTES = 4 << 20
"""Bytes of a clipboard text, packed or not; a longer one is passed over."""

MAX_SKIPPED_BYTES = 64 << 20
"""Bytes of a message that is passed over; a longer one ends the connection."""

MAX_WAITING_BYTES = 64 << 20
"""Bytes of clipboard texts and cursors in events that the caller has not taken yet."""

MAX_RECTANGLES = 1 << 16
"""Rectangles of one update, also of one that does not say how many it has."""

MAX_FENCE_BYTES = 64
"""Payload of a fence (rfbproto, ClientFence)."""

MAX_TEXT_BYTES = 1 << 16
"""Bytes of a desktop name or of the reason for a failure."""

MAX_PIXELS = 1 << 25
"""Pixels of a framebuffer that the client side takes: 7680x4320 and a little more."""

MAX_CURSOR_SIDE = 2048
"""Width or height of a cursor in pixels."""

MAX_TIGHT_WIDTH = 2048
"""Width of a Tight rectangle in pixels (rfbproto, Tight Encoding)."""

MAX_COMPACT_LENGTH = (1 << 22) - 1
"""Largest length in Tight's compact representation (rfbproto, Tight Encoding)."""
