"""Frames come at a steady rate, and a few at once after a pause; times are given."""

from __future__ import annotations

import itertools

import pytest

from jupyter_xdisplay.sidecar.rfb_server.frame_clock import FrameClock

INTERVAL_S = 0.1


def frames(clock: FrameClock, since_s: float, until_s: float, step_s: float = 0.01) -> list[float]:
    """Make a frame whenever one may be made; return when."""
    made = []
    for step in range(round((until_s - since_s) / step_s)):
        now_s = since_s + step * step_s
        if clock.due_s(now_s) == 0:
            clock.made(now_s)
            made.append(now_s)
    return made


@pytest.mark.parametrize("burst", [1, 3])
def test_the_rate_is_kept(burst: int) -> None:
    """Over a long time there is one frame an interval, whatever the burst."""
    assert len(frames(FrameClock(INTERVAL_S, burst), 100.0, 110.0)) == 100 + burst - 1


def test_a_few_at_once_after_a_pause() -> None:
    """Then they are apart evenly, and the next pause allows as many again."""
    clock = FrameClock(INTERVAL_S, 3)
    for begun_s in (50.0, 60.0):
        made = frames(clock, begun_s, begun_s + 0.6)
        assert made[:3] == pytest.approx([begun_s, begun_s + 0.01, begun_s + 0.02])
        gaps = [later - one for one, later in itertools.pairwise(made[3:])]
        assert gaps == pytest.approx([INTERVAL_S] * len(gaps), abs=0.011)
        assert gaps


def test_due_tells_when() -> None:
    """After that time a frame may be made, and not before."""
    clock = FrameClock(INTERVAL_S, 1)
    clock.made(10.0)
    assert clock.due_s(10.0) == pytest.approx(INTERVAL_S)
    assert clock.due_s(10.09) > 0
    assert clock.due_s(10.11) == 0
