"""RFB servers side by side: x11vnc, x11vnc tuned, TigerVNC's Xvnc, ours.

One run on one machine, the servers in turn, again and again: each figure is the median of the
repeats with its spread, each ratio the median of the ratios within the repeats. All viewers look
at the whole screen and ask for Tight with JPEG of quality level 6, noVNC's own. At the socket they
ask for half the resolution of colours, too, as ours always sends while something moves (`psnr_db`
says how true the moving picture then is to what was drawn); stock noVNC never asks for that. All
sockets are Unix sockets, and only the server under test runs.

- `socket`: a viewer that only finds the ends of updates while it is measured and decodes them
  afterwards (`rfb.viewer`). A click ends when the update is whole that has all of the change.
- `browser`: the canvas in Chromium, read back once per animation frame (`rfb/probe.js`): ours in
  a JupyterLab cell through the real server extension, peers by stock noVNC on a bare page through
  a relay of the same make; "ours, stock noVNC" is our server on that page. A click lasts from the
  mouse event to the call that draws the last of the change; `shown` to the animation frame.
  Chromium compiles scripts and takes memory for some seconds after a page has come: all servers'
  first frames there go uncounted (`browser_warm_up_s`).
- `cpu_ms_per_frame`: RFB server, and in the browser the tunnel too, for each distinct frame.
  Xvnc is an X server as well; the others' X server is apart (`x_cpu_ms_per_frame`).
- `drawn_fps`: how many frames a second the X client drew; 60, where nobody holds it up.
- `slow_*`: over a line with that rate and round trip (`tests/slow_link.py`), at the socket. The
  age of a frame is the time from its drawing to its arrival, in the first and the last 10 s.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Error as PlaywrightError
from websocket import WebSocketException

from benchmarks.report import write
from benchmarks.rfb import at_browser, at_socket, workloads
from benchmarks.rfb.at_browser import Screen
from benchmarks.rfb.at_socket import Figures
from benchmarks.rfb.changes import single_changes
from benchmarks.rfb.chromium import BrowserError
from benchmarks.rfb.picture import FOLDER_VARIABLE
from benchmarks.rfb.probes import COUNTER
from benchmarks.rfb.results import Results
from benchmarks.rfb.servers import SERVERS, Server
from benchmarks.rfb.slow import slow_links
from benchmarks.rfb.stillness import still_screens
from benchmarks.rfb.viewer import OutOfTimeError
from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.spec import Size

SIZES = {"720p": Size(1280, 720), "1080p": Size(1920, 1080)}
PARTS = ("motion", "1080p", "click", "changes", "programs", "still", "slow")
QUICK_PARTS = ("motion", "click", "changes", "still", "slow")
PLACES = ("socket", "browser")
REPEATS = 5
STOCK = "ours, stock noVNC"
FAILURES = (
    *(AssertionError, OSError, StopIteration, RuntimeError, subprocess.SubprocessError),
    *(BrowserError, PlaywrightError, WebSocketException, OutOfTimeError, XDisplayError),
)


@dataclass(frozen=True)
class Plan:
    """What is measured, and for how long."""

    parts: tuple[str, ...] = PARTS
    places: tuple[str, ...] = PLACES
    servers: tuple[str, ...] = tuple(SERVERS)
    repeats: int = REPEATS
    motion_s: float = 2.5
    browser_warm_up_s: float = 4.0
    program_s: float = 1.5
    clicks: int = 10
    changes: int = 1000
    still_s: float = 60.0
    slow_s: float = 60.0
    slow_clicks: int = 10
    slow_repeats: int = 1
    stock: bool = True

    def sizes(self) -> list[str]:
        """Return the names of the sizes of screen."""
        return ["720p", *(["1080p"] if "1080p" in self.parts else [])]


QUICK = Plan(
    QUICK_PARTS,
    repeats=2,
    motion_s=2.0,
    clicks=6,
    changes=60,
    still_s=10.0,
    slow_s=20.0,
    slow_clicks=4,
    stock=False,
)


class Run:
    """One run of the benchmark.

    Parameters
    ----------
    plan
        What to do.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.results = Results(plan.repeats)

    def all(self) -> None:
        """Measure everything, the servers in turn; who begins changes with the repeat."""
        names = list(self._plan.servers)
        in_turn = {"motion", "click", "changes", "programs"} & set(self._plan.parts)
        for repeat in range(self._plan.repeats if in_turn else 0):
            began = time.monotonic()
            for place in range(len(names)):
                self._visit(repeat, names[(place + repeat) % len(names)])
            print(f"       -- repeat {repeat + 1}: {time.monotonic() - began:.0f} s", flush=True)
        self._still(names)
        self._slow(names)

    def _still(self, names: list[str]) -> None:
        if "still" not in self._plan.parts:
            return
        plan = self._plan
        with self._gap("still"):
            windows = still_screens(names, SIZES["720p"], plan.still_s, plan.repeats)
            for repeat, found in enumerate(windows):
                for name, figures in found.items():
                    self.results.add("still", name, repeat, figures)

    def _slow(self, names: list[str]) -> None:
        if "slow" not in self._plan.parts:
            return
        plan = self._plan
        for repeat in range(plan.slow_repeats):
            with self._gap("slow"):
                found = slow_links(names, SIZES["720p"], plan.slow_s, plan.slow_clicks)
                for (line, name), figures in found.items():
                    self.results.add(f"slow_{line}", name, repeat, figures)

    def _visit(self, repeat: int, name: str) -> None:
        for size in self._plan.sizes():
            if "socket" in self._plan.places:
                with self._folder(name) as folder, SERVERS[name](folder, SIZES[size]) as server:
                    self._at_socket(repeat, name, size, server)
            if "browser" not in self._plan.places:
                continue
            with self._folder(name) as folder, self._screen(folder, name, size) as screen:
                self._in_browser(repeat, name, size, screen)
            if (
                name == "ours"
                and size == "720p"
                and self._plan.stock
                and "motion" in self._plan.parts
            ):
                with (
                    self._folder(STOCK) as folder,
                    at_browser.bare(folder, name, SIZES[size]) as screen,
                ):
                    self._in_browser(repeat, STOCK, size, screen)

    def _screen(
        self, folder: Path, name: str, size: str
    ) -> contextlib.AbstractContextManager[Screen]:
        if name == "ours":
            return at_browser.in_lab(folder, SIZES[size])
        return at_browser.bare(folder, name, SIZES[size])

    @contextlib.contextmanager
    def _folder(self, name: str) -> Iterator[Path]:
        """Give a short path."""
        with (
            self._gap(name),
            tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp") as folder,
        ):
            yield Path(folder)

    @contextlib.contextmanager
    def _gap(self, name: str) -> Iterator[None]:
        """Let something that fails leave a gap, and the others go on."""
        try:
            yield
        except FAILURES as error:
            print(f"   {name} failed: {type(error).__name__}: {error}", flush=True)
            self.results.failures.append(f"{name}: {type(error).__name__}: {error}")

    def _at_socket(self, repeat: int, name: str, size: str, server: Server) -> None:
        def take(measure: str, figures: Figures) -> None:
            self.results.add(f"socket_{measure}", name, repeat, figures)

        plan = self._plan
        if "motion" in plan.parts:
            with workloads.MOTION.on(server) as motion:
                take(size, at_socket.frames(server, COUNTER, plan.motion_s, program=motion))
        if size != "720p":
            return
        if "click" in plan.parts:
            take("click", at_socket.clicks(server, plan.clicks))
        if "changes" in plan.parts:
            take("changes", single_changes(server, plan.changes // plan.repeats))
        if "programs" in plan.parts:
            for program, workload in workloads.PROGRAMS.items():
                with workload.on(server):
                    take(program, at_socket.frames(server, workload.probe, plan.program_s))

    def _in_browser(self, repeat: int, name: str, size: str, screen: Screen) -> None:
        def take(measure: str, figures: Figures) -> None:
            self.results.add(f"browser_{measure}", name, repeat, figures)

        plan = self._plan
        if "motion" in plan.parts:
            with workloads.MOTION.on(screen.server) as motion:
                found = at_browser.frames(
                    screen, COUNTER, plan.motion_s, program=motion, warm_up_s=plan.browser_warm_up_s
                )
                take(size, {**found, "scale": screen.scale})
        if size != "720p":
            return
        if name == STOCK:
            return
        if "click" in plan.parts:
            take("click", at_browser.clicks(screen, plan.clicks))
        if "programs" in plan.parts:
            for program, workload in workloads.PROGRAMS.items():
                with workload.on(screen.server):
                    take(program, at_browser.frames(screen, workload.probe, plan.program_s))


def parse(arguments: list[str]) -> tuple[Plan, bool]:
    """Read the options; return the plan, and whether its figures are to be written."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks rfb")
    parser.add_argument("--quick", action="store_true", help="few and short; nothing is written")
    parser.add_argument("--parts", help=f"some of {','.join(PARTS)}; nothing is written")
    parser.add_argument("--places", help="socket, browser or both; nothing is written")
    parser.add_argument("--servers", help=f"some of {','.join(SERVERS)}; nothing is written")
    parser.add_argument("--repeats", type=int, help=f"with fewer than {REPEATS} nothing is written")
    options = parser.parse_args(arguments)
    chosen: dict[str, tuple[str, ...]] = {
        name: tuple(words.split(","))
        for name in ("parts", "places", "servers")
        if (words := getattr(options, name))
    }
    known: dict[str, Callable[[str], bool]] = {
        "parts": PARTS.__contains__,
        "places": PLACES.__contains__,
        "servers": SERVERS.__contains__,
    }
    for name, words in chosen.items():
        for word in words:
            if not known[name](word):
                parser.error(f"--{name}: there is no {word!r}")
    base = QUICK if options.quick else Plan()
    plan = Plan(**{**vars(base), **chosen, "repeats": options.repeats or base.repeats})
    return plan, plan.repeats >= REPEATS and not options.quick and not chosen


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    plan, whole = parse(arguments or [])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what was started, too
    began = time.monotonic()
    run = Run(plan)
    try:
        with tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp") as pictures:
            os.environ[FOLDER_VARIABLE] = pictures
            run.all()
    except KeyboardInterrupt:
        run.results.print_table()
        sys.exit(130)
    run.results.print_table()
    print(f"\n{time.monotonic() - began:.0f} s in all")
    if whole:
        write("rfb_servers", {"settings": vars(plan), **run.results.to_json()})
