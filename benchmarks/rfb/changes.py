"""Single changes, each waited for: which are lost, which are late."""

from __future__ import annotations

import random
import subprocess
import time

import numpy as np

from benchmarks.rfb import workloads
from benchmarks.rfb.at_socket import Figures, wait_for_picture, warm_up_with_clicks
from benchmarks.rfb.flip import MARK
from benchmarks.rfb.picture import Pixels
from benchmarks.rfb.servers import Server
from benchmarks.rfb.viewer import Viewer

LATE_S, LOST_S = 0.1, 1.0
LARGE = 640, 360
SAME_COLOUR = 60
"""Levels: colours of a change are black or white in each channel."""


def single_changes(server: Server, count: int) -> Figures:
    """Make single changes, small ones and large ones in turn, anywhere on the screen."""
    times: list[float | None] = []
    with workloads.FLIP.on(server) as program, Viewer(server) as viewer:
        warm_up_with_clicks(viewer, server)
        for number in range(count):
            viewer.collect(random.uniform(0.0, 0.02))  # noqa: S311 - any phase of any timer
            size = LARGE if number % 2 else (MARK, MARK)
            times.append(_change(viewer, server, program, size))
    seen = [value for value in times if value is not None]
    assert seen, "none of the changes was seen"
    p50, p95 = np.percentile([1000 * value for value in seen], [50, 95])
    return {
        "changes": count,
        "lost": count - len(seen),
        "late": sum(value > LATE_S for value in seen),
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "max_ms": 1000 * max(seen),
    }


def _change(
    viewer: Viewer, server: Server, program: subprocess.Popen[bytes], size: tuple[int, int]
) -> float | None:
    """Make one change; return the seconds until it was seen, None when it was not."""
    width, height = size
    x = random.randrange(server.size.width - width + 1)  # noqa: S311
    y = random.randrange(server.size.height - height + 1)  # noqa: S311
    middle = y + height // 2, x + width // 2
    before = viewer.decode(viewer.updates[-1])[middle][:3]
    colour = np.where(before < 128, 255, 0)

    def there(picture: Pixels) -> bool:
        return bool((np.abs(picture[middle][:3].astype(int) - colour) < SAME_COLOUR).all())

    kind = "flat" if size == (MARK, MARK) else "photo"
    blue, green, red = (int(value) for value in colour)
    line = f"{kind} {x} {y} {width} {height} {red:02x}{green:02x}{blue:02x}\n"
    assert program.stdin is not None
    told_s = time.monotonic()
    program.stdin.write(line.encode())
    program.stdin.flush()
    seen_s = wait_for_picture(viewer, there, LOST_S)
    return None if seen_s is None else seen_s - told_s
