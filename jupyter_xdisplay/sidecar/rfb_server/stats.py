"""What a viewer gets, in figures for people."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from jupyter_xdisplay.rfb.pixel_format import PixelFormat
from jupyter_xdisplay.sidecar.rfb_server.pacing import Pacing

WINDOW_S = 3.0


def describe_capture(path: str, why: str | None) -> str:
    """Return how the screen is captured, and why no faster way is: `Capture.path`, `.why`."""
    return f"XDamage + {path}" + (f": {why}" if why else "")


def describe_format(pixel_format: PixelFormat) -> str | None:
    """Return a name for a format that costs a conversion: None where each colour has 8 bits."""
    if pixel_format.bits_per_pixel == 32:
        return None
    channels = zip("bgr", pixel_format.channels, strict=True)
    from_above = sorted(channels, key=lambda channel: -channel[1][1])
    bits = "".join(str(largest.bit_length()) for _, (largest, _) in from_above)
    return f"{pixel_format.bits_per_pixel} bit, {''.join(name for name, _ in from_above)}{bits}"


class Stats:
    """Frames and bytes of the last seconds to one viewer.

    Parameters
    ----------
    pacing
        That of the viewer.
    view_only
        Whether it may only look.
    """

    def __init__(self, pacing: Pacing, *, view_only: bool) -> None:
        self._pacing = pacing
        self._view_only = view_only
        self._since_s = time.monotonic()
        self._sent: deque[tuple[float, int]] = deque()
        self._encoder = ""
        self.capture = ""
        """See `describe_capture`; empty until the first frame."""
        self.pixel_format: PixelFormat | None = None

    def sent(self, size: int, encoder: str) -> None:
        """Note an update of `size` bytes."""
        self._sent.append((time.monotonic(), size))
        self._encoder = encoder or self._encoder
        self._forget()

    def to_json(self) -> dict[str, Any]:
        """Return the figures: rates a second, times in seconds, and what is used.

        `round_trip_s` is None for a viewer without fences, and `window_bytes` with it;
        `pixel_format` is None for 32 bits a pixel.
        """
        self._forget()
        round_trip_s = self._pacing.round_trip_s
        return {
            "frames_per_s": round(len(self._sent) / WINDOW_S, 1),
            "bytes_per_s": round(sum(size for _, size in self._sent) / WINDOW_S),
            "round_trip_s": None if round_trip_s is None else round(round_trip_s, 4),
            "window_bytes": None if round_trip_s is None else self._pacing.window,
            "encoder": self._encoder,
            "capture": self.capture,
            "pixel_format": self.pixel_format and describe_format(self.pixel_format),
            "view_only": self._view_only,
            "connected_s": round(time.monotonic() - self._since_s, 1),
        }

    def _forget(self) -> None:
        oldest = time.monotonic() - WINDOW_S
        while self._sent and self._sent[0][0] < oldest:
            self._sent.popleft()
