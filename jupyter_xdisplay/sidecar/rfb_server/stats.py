"""What a viewer gets, in figures for people."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

WINDOW_S = 3.0


class Stats:
    """Frames and bytes of the last seconds to one viewer."""

    def __init__(self, *, view_only: bool) -> None:
        self._view_only = view_only
        self._sent: deque[tuple[float, int]] = deque()
        self._encoder = ""
        self._round_trip_s: float | None = None
        self.capture = ""
        """How the screen is captured, and why no faster way is."""

    def sent(self, size: int, encoder: str, round_trip_s: float | None) -> None:
        """Note an update of `size` bytes."""
        self._sent.append((time.monotonic(), size))
        self._encoder = encoder or self._encoder
        self._round_trip_s = round_trip_s
        self._forget()

    def to_json(self) -> dict[str, Any]:
        """Return frames and bytes a second, the round trip in seconds, and what is used."""
        self._forget()
        return {
            "frames_per_s": round(len(self._sent) / WINDOW_S, 1),
            "bytes_per_s": round(sum(size for _, size in self._sent) / WINDOW_S),
            "round_trip_s": self._round_trip_s,
            "encoder": self._encoder,
            "capture": self.capture,
            "view_only": self._view_only,
        }

    def _forget(self) -> None:
        oldest = time.monotonic() - WINDOW_S
        while self._sent and self._sent[0][0] < oldest:
            self._sent.popleft()
