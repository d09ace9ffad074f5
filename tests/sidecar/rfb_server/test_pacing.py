"""How much may be on the way to a viewer."""

from __future__ import annotations

from jupyter_xdisplay.sidecar.rfb_server.pacing import (
    FIRST_WINDOW,
    LEAST_WINDOW,
    MAX_UPDATES,
    MOST_WINDOW,
    Pacing,
)


def test_at_most_two_updates_are_on_the_way() -> None:
    """A third update waits until one came back."""
    pacing = Pacing()
    numbers = []
    while pacing.may_send():
        numbers.append(pacing.sent(1000, 1.0))
    assert len(numbers) == MAX_UPDATES
    pacing.confirmed(numbers[0], 1.01)
    assert pacing.may_send()


def test_one_update_may_always_go() -> None:
    """An update larger than the window goes when nothing else is on the way."""
    pacing = Pacing()
    pacing.sent(MOST_WINDOW * 2, 1.0)
    assert not pacing.may_send()
    pacing.confirmed(1, 1.1)
    assert pacing.may_send()


def test_a_later_fence_confirms_what_was_before_it() -> None:
    """Fences come back in order; one that was lost is made good by the next."""
    pacing = Pacing()
    pacing.sent(10, 1.0)
    second = pacing.sent(10, 1.0)
    pacing.confirmed(second, 1.1)
    assert pacing.updates_on_the_way == 0


def test_unknown_fences_change_nothing() -> None:
    """A viewer that sends fences of its own invention gains nothing by it."""
    pacing = Pacing()
    pacing.sent(10, 1.0)
    pacing.confirmed(77, 1.1)
    assert pacing.updates_on_the_way == 1


def run(pacing: Pacing, bytes_per_s: float, delay_s: float, size: int, updates: int) -> float:
    """Send over a link of that rate and delay; return the last round trip in seconds."""
    now, free = 0.0, 0.0
    arrivals: list[tuple[float, int]] = []
    for _ in range(updates):
        while not pacing.may_send():
            now, number = arrivals.pop(0)
            pacing.confirmed(number, now)
        free = max(free, now) + size / bytes_per_s
        arrivals.append((free + delay_s, pacing.sent(size, now)))
    return pacing.round_trip_s or 0.0


def test_round_trips_do_not_grow_on_a_slow_link() -> None:
    """On 2 Mbit/s with 100 ms the delay after 1000 updates is that of two updates, not more."""
    pacing = Pacing()
    round_trip_s = run(pacing, 250_000, 0.1, 40_000, 1000)
    assert round_trip_s <= 0.1 + 2 * 40_000 / 250_000 + 1e-6
    assert LEAST_WINDOW <= pacing.window <= FIRST_WINDOW


def test_window_grows_on_a_fast_link() -> None:
    """Where round trips stay short, large updates find room for two at a time."""
    pacing = Pacing()
    size = 400_000
    run(pacing, 1e9, 0.0005, size, 200)
    assert pacing.window >= MAX_UPDATES * size
