"""What runs on the displays: each begins when it is drawn, and ends with its `with` block."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.rfb import plot
from benchmarks.rfb.probes import COUNTER, Distinct, Probe
from benchmarks.rfb.processes import running
from benchmarks.rfb.servers import Server
from jupyter_xdisplay.x11.capture import Capture
from jupyter_xdisplay.x11.connection import X11Connection

START_S = 15.0
MOVES = 3
"""A program that does not say when it is there has to change its picture so often."""


@dataclass(frozen=True)
class Workload:
    """A program for the display.

    Attributes
    ----------
    probe
        Where one frame differs from the next.
    tells
        Whether it prints `ready`.
    """

    argv: tuple[str, ...]
    probe: Probe
    tells: bool = True

    @contextlib.contextmanager
    def on(self, server: Server) -> Iterator[subprocess.Popen[bytes]]:
        """Run it on a server's display."""
        with running(self.argv, environment=server.environment, ready=self.tells) as process:
            if not self.tells:
                self._wait_until_it_moves(server)
            yield process

    def _wait_until_it_moves(self, server: Server) -> None:
        connection = X11Connection(server.display, server.xauthority)
        capture = Capture(connection)
        distinct = Distinct(self.probe)
        end = time.monotonic() + START_S
        while distinct.count <= MOVES:
            distinct.look(capture.grab_all())
            assert time.monotonic() < end, f"{self.argv[0]} did not begin"
            time.sleep(0.02)
        capture.close()
        connection.close()


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"benchmarks.rfb.{name}", *arguments)


MOTION = Workload(_module("motion"), COUNTER)
STILL = Workload(_module("motion", "--still"), COUNTER)
FLIP = Workload(_module("flip"), COUNTER)
PROGRAMS = {
    "glxgears": Workload(
        ("glxgears", "-geometry", "800x600+200+60"), Probe(220, 370, 760, 4), tells=False
    ),
    "matplotlib_zoom": Workload(_module("plot"), Probe(*plot.PROBE)),
    "xterm_scroll": Workload(
        ("xterm", "-geometry", "120x40+100+40", "-e", *_module("scroll")),
        Probe(112, 300, 300, 26),
        tells=False,
    ),
}
