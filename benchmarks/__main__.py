"""Run all benchmarks, or one that is named with its options: `python -m benchmarks rfb --quick`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import containers, interrupts, rfb_servers, startup, windows

BENCHMARKS: dict[str, Callable[[list[str]], None]] = {
    "startup": startup.main,
    "rfb": rfb_servers.main,
    "windows": windows.main,
    "interrupts": interrupts.main,
    "containers": containers.main,
}


def main(arguments: list[str]) -> None:
    """Run them in turn: those named before the first option, which is the last one's."""
    first = next((i for i, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    names, options = arguments[:first], arguments[first:]
    if options and not names:
        sys.exit(f"{__doc__}\nThere are {', '.join(BENCHMARKS)}; rfb has --help.")
    if unknown := set(names) - set(BENCHMARKS):
        sys.exit(f"no benchmark {unknown.pop()!r}: there are {', '.join(BENCHMARKS)}")
    for name in names or BENCHMARKS:
        print(f"== {name}")
        BENCHMARKS[name](options if names and name == names[-1] else [])


if __name__ == "__main__":
    main(sys.argv[1:])
