"""How soon an interrupt ends the GUI loops of a kernel, beside one that ends `time.sleep`.

From SIGINT to the reply that the cell ended, in milliseconds: at most 2000 are allowed.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time

import pytest

from benchmarks.report import print_table, summary, write
from jupyter_xdisplay.paths import ROOT_VARIABLE
from tests.kernel.kernel_process import KernelProcess
from tests.kernel.test_interrupts import PROGRAMS

REPEATS = 5
AT_MOST_MS = 2000.0
PEER = "time.sleep"
RUNS_S = 1.0
"""How long a loop runs before it is interrupted."""


def interrupted(kernel: KernelProcess, loop: str) -> float:
    """Return the milliseconds from the signal to the end of a cell that runs a loop."""
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        kernel.manager.interrupt_kernel()

    timer = threading.Timer(RUNS_S, interrupt)
    timer.start()
    kernel.run(loop)
    end = time.monotonic()
    timer.cancel()
    timer.join()
    assert sent, "the loop ended by itself"
    return 1000 * (end - sent[0])


def measure(name: str) -> list[float]:
    """Measure one loop, in a kernel of its own, and its peer in turn."""
    kernel = KernelProcess(**{ROOT_VARIABLE: os.environ[ROOT_VARIABLE]})
    try:
        kernel.ok("%load_ext jupyter_xdisplay\n%xdisplay\nimport time; title = 'Runs'")
        if name == PEER:
            return [interrupted(kernel, "time.sleep(60)") for _ in range(REPEATS)]
        program = PROGRAMS[name]
        kernel.ok(program.setup)
        again = program.again or program.loop  # as tested: twice with the same window
        return [interrupted(kernel, loop) for loop in (program.loop, again)]
    finally:
        kernel.end()


def main(_arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    found: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp") as root,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv(ROOT_VARIABLE, root)
        for name in (PEER, *PROGRAMS):
            try:
                found[name] = measure(name)
            except AssertionError as error:  # a toolkit of the distribution for another Python
                print(f"   {name} cannot run here: {str(error)[:100]}")
    rows = {name: summary(values) for name, values in found.items()}
    print_table("From an interrupt to the end of a loop", "ms", rows)
    loops = [value for name, values in found.items() if name != PEER for value in values]
    ratio = statistics.median(loops) / statistics.median(found[PEER])
    print(f"slowest: {max(loops):.0f} ms (at most {AT_MOST_MS:.0f}); median {ratio:.1f}x {PEER}")
    write("interrupts", {"figures": rows, "ratios": {"loops_vs_sleep": round(ratio, 2)}})
