"""`python -m benchmarks.rfb.scroll`: lines of text at 60 a second, for a terminal."""

from __future__ import annotations

import random
import sys
import time

RATE = 60
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789     "


def main() -> None:
    """Write until the terminal is closed."""
    due = time.monotonic()
    while True:
        sys.stdout.write("".join(random.choices(LETTERS, k=110)) + "\n")  # noqa: S311
        sys.stdout.flush()
        due += 1 / RATE
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
