"""How much may be on the way to a viewer. Pure: times are given, nothing is measured here.

After each update a fence is sent (rfbproto, "Fence"); the viewer returns it when it has handled
everything before it, so a round trip measures network *and* viewer, as in TigerVNC's Congestion.
At most two updates are on the way, and no more bytes than a window that grows while round trips
stay near the shortest one seen and shrinks when they grow. Frames in between are skipped.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

MAX_UPDATES = 2
FIRST_WINDOW = 256 * 1024
LEAST_WINDOW = 16 * 1024
MOST_WINDOW = 8 * 1024 * 1024
SLACK_S = 0.030
"""A round trip so much longer than the shortest is no sign of a queue: viewers take their time."""

BASE_LIFE_S = 30.0
"""The shortest round trip is measured anew after this: routes change."""


class _Sent(NamedTuple):
    number: int
    size: int
    time_s: float


class Pacing:
    """What is on the way to one viewer, in bytes and seconds (monotonic)."""

    def __init__(self) -> None:
        self.window = FIRST_WINDOW
        self.round_trip_s: float | None = None
        self._base_s: float | None = None
        self._base_since_s = 0.0
        self._sent: deque[_Sent] = deque()
        self._number = 0

    @property
    def updates_on_the_way(self) -> int:
        """How many updates the viewer has not confirmed."""
        return len(self._sent)

    @property
    def bytes_on_the_way(self) -> int:
        """How many bytes the viewer has not confirmed."""
        return sum(sent.size for sent in self._sent)

    def may_send(self) -> bool:
        """Tell whether another update may go; one always may when nothing is on the way."""
        if not self._sent:
            return True
        return self.updates_on_the_way < MAX_UPDATES and self.bytes_on_the_way < self.window

    def sent(self, size: int, now_s: float) -> int:
        """Note an update of `size` bytes; return the number for its fence."""
        self._number = (self._number + 1) & 0xFFFFFFFF
        self._sent.append(_Sent(self._number, size, now_s))
        return self._number

    def confirmed(self, number: int, now_s: float) -> None:
        """Take a fence that came back; it confirms all before it. Unknown numbers are ignored."""
        if all(sent.number != number for sent in self._sent):
            return
        while True:
            sent = self._sent.popleft()
            if sent.number == number:
                break
        self._measure(now_s - sent.time_s, sent.size, now_s)

    def _measure(self, round_trip_s: float, size: int, now_s: float) -> None:
        self.round_trip_s = round_trip_s
        if (
            self._base_s is None
            or round_trip_s < self._base_s
            or now_s - self._base_since_s > BASE_LIFE_S
        ):
            self._base_s, self._base_since_s = round_trip_s, now_s
        if round_trip_s > 2 * self._base_s + SLACK_S:
            self.window = max(LEAST_WINDOW, self.window * 3 // 4)
        elif size * 2 > self.window:
            self.window = min(MOST_WINDOW, self.window * 5 // 4)
