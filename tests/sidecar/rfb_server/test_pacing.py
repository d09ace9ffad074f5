"""How much may be on the way to a viewer, held against links that are only computed."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from jupyter_xdisplay.sidecar.rfb_server.pacing import (
    FIRST_WINDOW,
    LEAST_WINDOW,
    MAX_UPDATES,
    MOST_UPDATES,
    MOST_WINDOW,
    QUEUE_S,
    Pacing,
)

FRAME_S = 1 / 60
MBIT = 1e6 / 8


def known(rate: float = 1e6, base_s: float = 0.01) -> Pacing:
    """Return a pacing that has learnt a link."""
    pacing = Pacing()
    number = pacing.ping(0.0)
    assert number is not None
    pacing.confirmed(number, base_s)
    pacing.confirmed(pacing.sent(100_000, 1.0), 1.0 + base_s + 100_000 / rate)
    return pacing


def test_at_most_two_updates_are_on_the_way() -> None:
    """A third update waits until one came back."""
    pacing = known()
    numbers = []
    while pacing.wait_s(5.0) == 0:
        numbers.append(pacing.sent(1000, 5.0))
    assert len(numbers) == MAX_UPDATES
    pacing.confirmed(numbers[0], 5.011)
    assert pacing.wait_s(5.011) == 0


def test_one_update_may_always_go() -> None:
    """An update larger than the window goes when nothing else is on the way."""
    pacing = Pacing()
    number = pacing.sent(MOST_WINDOW * 2, 1.0)
    assert pacing.wait_s(1.0) is None
    pacing.confirmed(number, 1.1)
    assert pacing.wait_s(1.1) == 0


def test_a_later_fence_confirms_what_was_before_it() -> None:
    """Fences come back in order; one that was lost is made good by the next."""
    pacing = Pacing()
    pacing.sent(10, 1.0)
    second = pacing.sent(10, 1.0)
    pacing.confirmed(second, 1.1)
    assert pacing.updates_on_the_way == 0


@pytest.mark.parametrize("number", [0, 77, 0xFFFFFFFF])
def test_unknown_fences_change_nothing(number: int) -> None:
    """A viewer that sends fences of its own invention gains nothing by it."""
    pacing = Pacing()
    pacing.sent(10, 1.0)
    pacing.confirmed(number, 1.1)
    assert pacing.updates_on_the_way == 1


def test_a_late_update_stops_the_others() -> None:
    """What should have been confirmed and is not tells of a link that became slower."""
    pacing = known(base_s=0.1)
    pacing.sent(1000, 5.0)
    assert pacing.wait_s(5.05) == 0
    assert pacing.wait_s(5.0 + 0.1 + 0.001 + QUEUE_S + 0.001) is None


def test_the_next_update_waits_for_the_link() -> None:
    """It goes as soon as it finds but a short queue, not only when the one before came back."""
    pacing = known(rate=250_000, base_s=0.1)
    pacing.sent(100_000, 5.0)
    assert pacing.wait_s(5.0) == pytest.approx(0.4 - QUEUE_S)
    assert pacing.wait_s(5.4) == 0


def test_pings_are_few_and_only_on_an_empty_way() -> None:
    """Behind an update one would measure the update."""
    pacing = Pacing()
    number = pacing.ping(1.0)
    assert number is not None
    assert pacing.ping(1.0) is None
    pacing.confirmed(number, 1.1)
    assert pacing.ping(1.5) is None
    pacing.sent(10, 2.5)
    assert pacing.ping(2.6) is None


class Link(NamedTuple):
    """What carries updates to a viewer and its fences back. Bytes and seconds.

    `rate` and `delay_s` tell the bytes a second and the round trip at a time, `viewer_s` what the
    viewer takes for an update, `jitter_s` how much longer a fence may be on its way back, `hidden`
    until when the viewer is in a hidden tab and handles once a second what came.
    """

    rate: Callable[[float], float]
    delay_s: Callable[[float], float]
    viewer_s: float = 0.0
    jitter_s: float = 0.0
    hidden: float = 0.0


def line(mbit_per_s: float, delay_s: float, **others: float) -> Link:
    """Return a link that stays as it is."""
    return Link(lambda _: mbit_per_s * MBIT, lambda _: delay_s, **others)


class Shown(NamedTuple):
    """An update: when it was made, when the viewer had handled it, its bytes."""

    made_s: float
    shown_s: float
    size: int

    @property
    def delay_s(self) -> float:
        """Age of its pixels when they were shown, in seconds."""
        return self.shown_s - self.made_s


def run(
    link: Link, sizes: Iterator[int], until_s: float, pacing: Pacing | None = None
) -> list[Shown]:
    """Send what always moves, 60 frames a second at most, as a session does; give what came."""
    pacing = pacing or Pacing()
    chance = random.Random(1)  # noqa: S311 - not for secrets
    fences: list[tuple[float, int]] = []
    shown: list[Shown] = []
    now = free_s = viewer_free_s = back_s = 0.0
    next_frame_s = 0.0

    def carry(size: int) -> float:
        """Return when the viewer has handled so many bytes, sent now."""
        nonlocal free_s, viewer_free_s, back_s
        free_s = max(free_s, now) + size / link.rate(now)
        way_s = link.delay_s(now) / 2
        there_s = max(viewer_free_s, free_s + way_s)
        if there_s < link.hidden:
            there_s = math.ceil(there_s)
        viewer_free_s = there_s + (link.viewer_s if size else 0.0)
        back_s = max(back_s, viewer_free_s + way_s + chance.random() * link.jitter_s)
        return viewer_free_s

    while now < until_s:
        wait_s = pacing.wait_s(now)
        if wait_s == 0.0 and now >= next_frame_s:
            ping = pacing.ping(now)
            if ping is not None:
                carry(0)
                heapq.heappush(fences, (back_s, ping))
            size = next(sizes)
            shown.append(Shown(now, carry(size), size))
            heapq.heappush(fences, (back_s, pacing.sent(size, now)))
            next_frame_s = now + FRAME_S
            continue
        times = [fences[0][0]] if fences else []
        times += [] if wait_s is None else [max(next_frame_s, now + wait_s)]
        now = min(times)
        while fences and fences[0][0] <= now:
            pacing.confirmed(heapq.heappop(fences)[1], now)
    return shown


def after(shown: list[Shown], begin_s: float, end_s: float = float("inf")) -> list[Shown]:
    """Return the updates that were made between two times."""
    return [one for one in shown if begin_s <= one.made_s < end_s]


def bytes_per_s(shown: list[Shown]) -> float:
    """Return the bytes a second that were shown."""
    return sum(one.size for one in shown[1:]) / (shown[-1].shown_s - shown[0].shown_s)


SIZES = {
    "tiny first": lambda: itertools.chain([200], itertools.repeat(60_000)),
    "large first": lambda: itertools.chain([400_000], itertools.repeat(60_000)),
    "small": lambda: itertools.repeat(4_000),
    "whole screens": lambda: itertools.repeat(150_000),
    "all kinds": lambda: itertools.cycle([300, 120_000, 2_000, 2_000, 60_000, 500]),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_slow_link_is_full_and_has_no_queue(name: str) -> None:
    """2 Mbit/s with 100 ms for 60 s: frames flow at the link's rate, and the delay never grows.

    The delay is the way there, the update's own time on the link and a queue of a moment.
    """
    pacing = Pacing()
    steady = after(run(line(2, 0.1), SIZES[name](), 60, pacing), 5, 58)
    for one in steady:
        assert one.delay_s <= 0.05 + one.size / (2 * MBIT) + QUEUE_S + 0.02
    wanted = 60 * sum(one.size for one in steady) / len(steady)
    assert bytes_per_s(steady) >= 0.85 * min(2 * MBIT, wanted)
    assert LEAST_WINDOW <= pacing.window <= FIRST_WINDOW
    assert pacing.window == pytest.approx(2 * MBIT * (0.1 + QUEUE_S), rel=0.3)


@pytest.mark.parametrize("delay_s", [0.0005, 0.02, 0.1, 0.2])
def test_a_fast_link_is_never_waited_for(delay_s: float) -> None:
    """With 100 Mbit/s 60 frames a second come at any distance, after a few of them."""
    shown = run(line(100, delay_s), itertools.chain([100], itertools.repeat(60_000)), 30)
    steady = after(shown, 5, 25)
    assert len(steady) >= 0.95 * 60 * 20
    assert max(one.delay_s for one in steady) <= delay_s / 2 + 60_000 / (100 * MBIT) + QUEUE_S


def test_a_link_that_becomes_slow_and_fast_again() -> None:
    """The delay is down again after a few updates, and the rate is up again after a few."""
    changing = Link(lambda now: (2 if 20 <= now < 40 else 50) * MBIT, lambda _: 0.04)
    shown = run(changing, itertools.repeat(50_000), 60)
    slow, fast = after(shown, 25, 40), after(shown, 45, 60)
    assert max(one.delay_s for one in slow) <= 0.02 + 50_000 / (2 * MBIT) + QUEUE_S + 0.02
    assert bytes_per_s(slow) >= 0.85 * 2 * MBIT
    assert len(fast) >= 0.95 * 60 * 15


def test_the_delay_while_a_link_becomes_slow_is_bounded() -> None:
    """What was on the way then is at most what the fast link needed; nothing is added to it."""
    changing = Link(lambda now: (1 if now >= 20 else 50) * MBIT, lambda _: 0.1)
    shown = run(changing, itertools.repeat(50_000), 40)
    on_the_way = 0.1 / FRAME_S + MAX_UPDATES
    assert max(one.delay_s for one in shown) <= 0.1 + on_the_way * 50_000 / MBIT


@pytest.mark.parametrize("delays_s", [(0.02, 0.12), (0.12, 0.02)])
def test_a_route_that_becomes_another(delays_s: tuple[float, float]) -> None:
    """The base is learnt anew in time: frames come as fast as before."""
    changing = Link(lambda _: 20 * MBIT, lambda now: delays_s[now > 10])
    shown = run(changing, itertools.repeat(30_000), 80)
    assert len(after(shown, 5, 10)) >= 0.9 * 60 * 5
    assert len(after(shown, 60, 78)) >= 0.9 * 60 * 18


@pytest.mark.parametrize("jitter_s", [0.005, 0.02])
def test_jitter_costs_little(jitter_s: float) -> None:
    """Fences that come a little late do not stop the frames."""
    shown = run(line(50, 0.03, jitter_s=jitter_s), itertools.repeat(60_000), 30)
    assert len(after(shown, 5, 25)) >= 0.9 * 60 * 20


def test_a_slow_viewer_has_little_waiting() -> None:
    """One that takes 50 ms for a frame is asked for no more than it can do."""
    shown = run(line(1000, 0.001, viewer_s=0.05), itertools.repeat(80_000), 30)
    steady = after(shown, 5, 25)
    assert len(steady) >= 0.9 * 20 * 20
    assert max(one.delay_s for one in steady) <= 2 * 0.05 + QUEUE_S


def test_a_hidden_tab_gets_few_frames_and_recovers() -> None:
    """A browser that looks once a second gets no more at a time than may be on the way."""
    shown = run(line(100, 0.002, hidden=30), itertools.repeat(60_000), 50)
    assert len(after(shown, 0, 30)) <= 30 * MOST_UPDATES
    assert len(after(shown, 40, 50)) >= 0.95 * 60 * 10


def test_small_updates_do_not_make_a_link_look_slow() -> None:
    """What the viewer takes for each tells nothing of large ones, and is soon forgotten."""
    sizes = itertools.chain(itertools.repeat(300, 600), itertools.repeat(90_000))
    shown = run(line(80, 0.03, viewer_s=0.004), sizes, 40)
    assert len(after(shown, 25, 40)) >= 0.9 * 60 * 15
