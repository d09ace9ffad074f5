"""`python -m benchmarks.rfb.ticker COUNT`: windows that all change their colour 20 times a second.

It prints the time (of `time.time`) when each was mapped, and ends with its standard input.
"""

from __future__ import annotations

import select
import sys
import time

from benchmarks.rfb.window import ScreenWindow

SIZE = (640, 480)
INTERVAL_S = 0.05


def main() -> None:
    """Open the windows and let them tick."""
    windows = []
    for _ in range(int(sys.argv[1])):
        mapped_s = time.time()
        window = ScreenWindow(SIZE)
        window.fill((0, 0), SIZE, 0xFF0000)
        window.sync()
        windows.append(window)
        print(mapped_s, flush=True)
    tick = 0
    while not select.select([0], [], [], INTERVAL_S)[0]:
        tick += 1
        for window in windows:
            window.fill((0, 0), SIZE, 0xFF0000 if tick % 2 else 0x00FF00)
            window.sync()


if __name__ == "__main__":
    main()
