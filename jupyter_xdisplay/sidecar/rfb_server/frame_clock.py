"""How often a frame is made. Pure: times are given, in seconds."""

from __future__ import annotations


class FrameClock:
    """Lets frames through at a steady rate; after a pause a few at once, so that none is late.

    The generic cell rate algorithm (ITU-T I.371, Annex A): what a click changes often comes in
    several steps, and the second must not wait because the first was just sent.

    Parameters
    ----------
    interval_s
        Time from one frame to the next while frames go on.
    burst
        How many may follow one another at once after a pause.
    """

    def __init__(self, interval_s: float, burst: int) -> None:
        self._interval_s = interval_s
        self._slack_s = (burst - 1) * interval_s
        self._next_s = 0.0

    def due_s(self, now_s: float) -> float:
        """Return the seconds until a frame may be made; 0 when it may be now."""
        return max(0.0, self._next_s - self._slack_s - now_s)

    def made(self, now_s: float) -> None:
        """Note that a frame was begun."""
        self._next_s = max(self._next_s, now_s) + self._interval_s
