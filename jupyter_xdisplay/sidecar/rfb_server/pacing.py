"""How much may be on the way to a viewer. Pure: times are given, nothing is measured here.

The idea is that of TigerVNC's Congestion: after each update a fence is sent (rfbproto, "Fence"),
which the viewer returns when it has handled everything before it. So what is measured is the
network *and* the viewer. Frames that may not be sent are never made; the next one has it all.

Two things are learnt, and kept apart:

- the *base*, the shortest round trip of nothing at all. A fence alone goes ahead of an update
  while nothing is on the way (`ping`), for a round trip with an update in it tells how large that
  was: a base learnt from a tiny first update would make every whole frame on a slow link look
  like congestion.
- the *rate*, bytes a second: of each update only the time that it had the link to itself counts,
  from when the one before it was done.

From both follows when each update will be done. The next one goes as late as it can without the
link ever being idle: what is on the way is one round trip's worth (`window`) and a small queue of
`QUEUE_S`. An update that is late tells that the link became slower: then nothing goes until it is
confirmed. And where the base is long, more updates are let onto the way one by one, each time that
one came when it should.

A viewer without fences confirms nothing; its requests for updates are what paces it, see
`session`.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

FRAME_S = 1 / 60
MAX_UPDATES = 2
"""So many updates may be on the way where the round trip is short: one that the viewer handles,
one that it finds when it has done so. For every `FRAME_S` of the base there may come to be more."""

MOST_UPDATES = 16
FIRST_WINDOW = 256 * 1024
LEAST_WINDOW = 4 * 1024
MOST_WINDOW = 8 * 1024 * 1024
LEAST_WAIT_S = 0.001
QUEUE_S = 0.030
"""The queue that an update may find; also by how much one may be late: viewers take their time."""

PING_S = 1.0
"""The base is measured this often, where nothing is on the way by itself."""

BASE_LIFE_S = 30.0
"""The base is forgotten after this, as routes change; then the way is left to run empty once."""

MEMORY = 0.85
"""What was learnt of the rate counts so much less with each update."""


class _Sent(NamedTuple):
    number: int
    size: int
    time_s: float


class Pacing:
    """What is on the way to one viewer, in bytes and seconds (monotonic)."""

    def __init__(self) -> None:
        self.round_trip_s: float | None = None
        """That of the newest update that was confirmed, with its way through the link."""
        self._base_s: float | None = None
        self._base_since_s = 0.0
        self._pinged_s: float | None = None
        self._confirmed_s = 0.0
        self._bytes = 0.0
        self._seconds = 0.0
        self._sent: deque[_Sent] = deque()
        self._number = 0
        self._most = MAX_UPDATES

    @property
    def updates_on_the_way(self) -> int:
        """How many updates the viewer has not confirmed."""
        return sum(1 for sent in self._sent if sent.size)

    @property
    def rate(self) -> float | None:
        """Bytes a second that network and viewer take; None before the first confirmation."""
        return self._bytes / max(self._seconds, 1e-6) if self._bytes else None

    @property
    def window(self) -> int:
        """The congestion window: bytes that fill the link without a queue to speak of."""
        if self.rate is None or self._base_s is None:
            return FIRST_WINDOW
        return int(max(LEAST_WINDOW, min(self.rate * (self._base_s + QUEUE_S), MOST_WINDOW)))

    def wait_s(self, now_s: float) -> float | None:
        """Return after how many seconds to ask again; None: when one is confirmed.

        0.0: an update may go now; one always may when nothing is on the way.
        """
        count = self.updates_on_the_way
        if not count:
            return 0.0
        if self._base_s is None or self.rate is None or self._base_is_old(now_s):
            return None
        if count >= min(self._most, MAX_UPDATES + int(self._base_s / FRAME_S)):
            return None
        expected = self._expected(self._base_s, self.rate)
        if now_s > expected[0] + QUEUE_S:
            return None
        wait_s = expected[-1] - (now_s + self._base_s) - QUEUE_S
        return wait_s if wait_s > LEAST_WAIT_S else 0.0

    def ping(self, now_s: float) -> int | None:
        """Return the number for a fence to send ahead of the next update; None: send none."""
        if self._sent or (self._pinged_s is not None and now_s - self._pinged_s < PING_S):
            return None
        self._pinged_s = now_s
        return self._note(0, now_s)

    def sent(self, size: int, now_s: float) -> int:
        """Note an update of `size` bytes; return the number for its fence."""
        return self._note(max(1, size), now_s)

    def confirmed(self, number: int, now_s: float) -> None:
        """Take a fence that came back; it confirms all before it. Unknown numbers are ignored."""
        if all(sent.number != number for sent in self._sent):
            return
        due_s = self._due_s(number)
        done = [self._sent.popleft()]
        while done[-1].number != number:
            done.append(self._sent.popleft())
        self._learn_base(now_s - done[-1].time_s, now_s, ping=not done[-1].size)
        size = sum(sent.size for sent in done)
        if size:
            self.round_trip_s = now_s - done[-1].time_s
            self._learn_rate(size, done[0].time_s, now_s)
            late = due_s is not None and now_s > due_s + QUEUE_S
            self._most = MAX_UPDATES if late else min(MOST_UPDATES, self._most + 1)
        self._confirmed_s = now_s

    def _note(self, size: int, now_s: float) -> int:
        self._number = (self._number + 1) & 0xFFFFFFFF
        self._sent.append(_Sent(self._number, size, now_s))
        return self._number

    def _base_is_old(self, now_s: float) -> bool:
        return now_s - self._base_since_s > BASE_LIFE_S

    def _learn_base(self, round_trip_s: float, now_s: float, *, ping: bool) -> None:
        if (
            self._base_s is None
            or round_trip_s <= self._base_s
            or (ping and self._base_is_old(now_s))
        ):
            self._base_s, self._base_since_s = round_trip_s, now_s

    def _learn_rate(self, size: int, sent_s: float, now_s: float) -> None:
        assert self._base_s is not None
        began_s = max(self._confirmed_s, sent_s + self._base_s)
        self._bytes = MEMORY * self._bytes + size
        self._seconds = MEMORY * self._seconds + max(0.0, now_s - began_s)

    def _due_s(self, number: int) -> float | None:
        """Return when an update should be confirmed; None while that is not known."""
        if self._base_s is None or self.rate is None:
            return None
        expected = self._expected(self._base_s, self.rate)
        return next(
            due_s for sent, due_s in zip(self._sent, expected, strict=True) if sent.number == number
        )

    def _expected(self, base_s: float, rate: float) -> list[float]:
        """Return when each of what is on the way should be confirmed."""
        expected, done_s = [], self._confirmed_s
        for sent in self._sent:
            done_s = max(done_s, sent.time_s + base_s) + sent.size / rate
            expected.append(done_s)
        return expected
