"""What is measured at a socket."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.rfb import flip, motion, workloads
from benchmarks.rfb.fidelity import Fidelity
from benchmarks.rfb.picture import BLOCK, Pixels
from benchmarks.rfb.probes import Distinct, Probe, all_are
from benchmarks.rfb.processes import cpu_seconds
from benchmarks.rfb.servers import Server
from benchmarks.rfb.viewer import OutOfTimeError, Viewer

Figures = dict[str, float]

WARM_UP_S = 0.5
WARM_UP_UPDATES = 5
WARM_UP_CLICKS = 10
START_S = 15.0
"""x11vnc sends a first picture, and then nothing more for half a second or some seconds."""
GIVEN_UP_S = 2.0


class DrawnRate:
    """How fast `motion` draws, to see that nobody starves it; nothing for other programs.

    Parameters
    ----------
    program
        The running `motion`, if it is that.
    """

    def __init__(self, program: subprocess.Popen[bytes] | None) -> None:
        self._program = program
        self._before = self._now()

    def figures(self) -> Figures:
        """Return the frames a second since this was made."""
        if self._program is None:
            return {}
        drawn, now_s = (now - before for now, before in zip(self._now(), self._before, strict=True))
        return {"drawn_fps": drawn / now_s}

    def _now(self) -> tuple[int, float]:
        drawn = 0 if self._program is None else motion.state(self._program).drawn
        return drawn, time.monotonic()


def frames(
    server: Server,
    probe: Probe,
    seconds: float,
    *,
    program: subprocess.Popen[bytes] | None = None,
) -> Figures:
    """Count distinct frames, their bytes and their processor time, of what runs now."""
    with Viewer(server) as viewer:
        for _ in range(WARM_UP_UPDATES):
            viewer.next_update(START_S)
        viewer.collect(WARM_UP_S)
        warm, received, drawn = len(viewer.updates), viewer.received, DrawnRate(program)
        before = time.monotonic(), cpu_seconds(server.rfb), cpu_seconds(server.xserver)
        viewer.collect(seconds)
        elapsed = time.monotonic() - before[0]
        rfb_s = cpu_seconds(server.rfb) - before[1]
        x_s = cpu_seconds(server.xserver) - before[2]
        drawn_rate = drawn.figures()
        received = viewer.received - received
        distinct = Distinct(probe)
        fidelity = Fidelity(server.size) if program else None
        for number, update in enumerate(viewer.updates):
            picture = viewer.decode(update)
            if number >= warm:
                distinct.look(picture)
                if fidelity:
                    fidelity.look(picture)
    count = max(1, distinct.count)
    return {
        "fps": distinct.count / elapsed,
        **drawn_rate,
        **({"psnr_db": fidelity.psnr_db()} if fidelity else {}),
        "updates_per_s": (len(viewer.updates) - warm) / elapsed,
        "bytes_per_frame": received / count,
        "cpu_ms_per_frame": 1000 * rfb_s / count,
        "x_cpu_ms_per_frame": 1000 * x_s / count,
        "cpu_share": rfb_s / elapsed,
    }


class Click(NamedTuple):
    """Something to click: which button, where to look, and what is there before."""

    button: int
    places: list[tuple[int, int]]

    def times(self, count: int) -> int:
        """Return how often to click, of a count for the whole screen: small changes vary less."""
        return count if self.button == flip.WHOLE else count // 2


def clickables(server: Server) -> dict[str, Click]:
    """Return what `flip` changes on a screen of that size."""
    half = BLOCK // 2
    corners = [(x + half, y + half) for x, y in flip.corners(*server.size)]
    x, y = flip.square(*server.size)
    middle = [(x + flip.SQUARE_SIDE // 2, y + flip.SQUARE_SIDE // 2)]
    return {"click": Click(flip.WHOLE, corners), "click_small": Click(flip.SQUARE, middle)}


def clicks(server: Server, count: int, *, given_up_s: float = GIVEN_UP_S) -> Figures:
    """Click and wait for the changed pixels: of the whole screen, and of a small square."""
    found: Figures = {}
    with workloads.FLIP.on(server), Viewer(server) as viewer:
        warm_up_with_clicks(viewer, server, given_up_s)
        for name, click in clickables(server).items():
            times = [_click(viewer, server, click, given_up_s) for _ in range(click.times(count))]
            found |= percentiles(name, times)
    return found


def warm_up_with_clicks(viewer: Viewer, server: Server, given_up_s: float = GIVEN_UP_S) -> None:
    """Click on `flip` until a click is answered."""
    viewer.next_update(START_S)
    viewer.collect(WARM_UP_S)
    click = clickables(server)["click"]
    for _ in range(WARM_UP_CLICKS):
        if _click(viewer, server, click, given_up_s) < given_up_s:
            return
    raise AssertionError("no click was answered")


def percentiles(name: str, seconds: list[float]) -> Figures:
    """Return p50 and p95 in milliseconds."""
    p50, p95 = np.percentile([1000 * value for value in seconds], [50, 95])
    return {f"{name}_p50_ms": float(p50), f"{name}_p95_ms": float(p95)}


def pause_s() -> float:
    """Return how long a person's hand rests between clicks: any phase of any timer."""
    return random.uniform(0.05, 0.3)  # noqa: S311


def _click(viewer: Viewer, server: Server, click: Click, given_up_s: float) -> float:
    """Click once; return the seconds to the end of the update that has all of the change."""
    viewer.collect(pause_s())
    picture = viewer.decode(viewer.updates[-1])
    x, y = click.places[0]
    wanted = 0 if picture[y, x, 1] > 127 else 255
    width, height = server.size
    pressed_s = viewer.click(width // 2, height // 2, click.button)
    seen_s = wait_for_picture(viewer, lambda now: all_are(now, click.places, wanted), given_up_s)
    return given_up_s if seen_s is None else seen_s - pressed_s


def wait_for_picture(
    viewer: Viewer, there: Callable[[Pixels], bool], timeout_s: float
) -> float | None:
    """Return when an update was whole that shows it, None when none came."""
    end = time.monotonic() + timeout_s
    while (left_s := end - time.monotonic()) > 0:
        try:
            seen_s = viewer.next_update(left_s)
        except OutOfTimeError:
            return None
        if there(viewer.decode(viewer.updates[-1])):
            return seen_s
    return None
