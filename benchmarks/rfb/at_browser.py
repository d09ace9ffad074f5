"""What is measured on the canvas in Chromium."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.rfb import workloads
from benchmarks.rfb.at_socket import (
    GIVEN_UP_S,
    WARM_UP_S,
    Click,
    DrawnRate,
    Figures,
    clickables,
    pause_s,
    percentiles,
)
from benchmarks.rfb.chromium import Chromium, Page, chromium
from benchmarks.rfb.probes import Probe
from benchmarks.rfb.processes import children, cpu_seconds, running
from benchmarks.rfb.relay import QUALITY_LEVEL
from benchmarks.rfb.servers import SERVERS, Server, sidecar_server
from jupyter_xdisplay.spec import Size
from tests.e2e.lab import Lab, Notebook, wait_for
from tests.e2e.view import View

LABEXTENSION = Path(__file__).parents[2] / "labextension"
PROBE = Path(__file__).with_name("probe.js").read_text().rstrip().rstrip(";")
ROOM = Size(480, 260)
"""Pixels of a page beside the screen: the view in its cell, and noVNC, show it 1:1."""

BARE_CANVAS = "() => document.querySelector('#screen canvas')"
VIEW_CANVAS = """\
() => document.querySelector('[data-xdisplay-state]').shadowRoot.querySelector('canvas')"""


@dataclass(frozen=True)
class Screen:
    """A server seen on a page.

    Attributes
    ----------
    tunnel
        Process ids of what carries the bytes to the browser.
    box
        Where the canvas is on the page: x, y, width, height in pixels of the page.
    """

    server: Server
    tunnel: tuple[int, ...]
    browser: Chromium
    page: Page
    box: tuple[float, float, float, float]

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the canvas, on the page."""
        x, y, width, height = self.box
        return x + width / 2, y + height / 2

    @property
    def scale(self) -> float:
        """Pixels of the page for one of the screen."""
        return self.box[2] / self.server.size.width


@contextlib.contextmanager
def bare(folder: Path, name: str, size: Size) -> Iterator[Screen]:
    """Stock noVNC on a bare page, behind a relay."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(SERVERS[name](folder, size))
        argv = [sys.executable, "-m", "benchmarks.rfb.relay", str(server.socket)]
        if server.upgrade:
            argv.append("--upgrade")
        relay = stack.enter_context(running(argv, ready=True))
        assert relay.stdout is not None
        port = int(relay.stdout.readline())
        browser = stack.enter_context(chromium(folder, _room(size)))
        page = stack.enter_context(browser.page())
        page.go(f"http://127.0.0.1:{port}/")
        connected = "() => document.body?.dataset.state === 'connected'"
        wait_for(lambda: page.evaluate(connected), "noVNC did not connect")
        yield put_probe(server, (relay.pid,), browser, page, BARE_CANVAS)


@contextlib.contextmanager
def in_lab(folder: Path, size: Size) -> Iterator[Screen]:
    """Our view in a cell of JupyterLab, behind our server extension."""
    check_quality_level()
    root = folder / "lab"
    root.mkdir()
    lab = Lab(root, private_root=folder / "x", arguments=["--LocalRuntime.stream=builtin"])
    try:
        lab.wait_until_up()
        with chromium(folder, _room(size)) as browser:
            info = _open_display(lab, browser, size)
            pid = sidecar_of(lab.process.pid, info["id"])
            server = sidecar_server(pid, info["socket"], size)
            with browser.page() as page:
                yield put_probe(server, (lab.process.pid,), browser, page, VIEW_CANVAS)
    finally:
        lab.stop()


def check_quality_level() -> None:
    """Fail where our view asks for another JPEG quality than all other viewers do."""
    source = (LABEXTENSION / "src/rfb_session.ts").read_text()
    found = re.findall(r"const QUALITY_IN_MOTION = (\d);", source)
    assert found == [str(QUALITY_LEVEL)], f"our view asks for quality level {found}"


def _open_display(lab: Lab, browser: Chromium, size: Size) -> dict[str, Any]:
    """Run the cell as a user does; return the display."""
    cell = f"%load_ext jupyter_xdisplay\n%xdisplay desktop --size {size}"
    lab.write_notebook("bench.ipynb", [cell])
    with sync_playwright() as playwright:
        page = playwright.chromium.connect_over_cdp(browser.url).contexts[0].pages[0]
        book = Notebook(page, lab, "bench.ipynb")
        book.run(0)
        view = View(page, book.view(0))
        view.wait_until_live()
        view.host.scroll_into_view_if_needed()
    found: dict[str, Any] = lab.displays()[0]
    return found


def _room(size: Size) -> Size:
    return Size(size.width + ROOM.width, size.height + ROOM.height)


def put_probe(
    server: Server, tunnel: tuple[int, ...], browser: Chromium, page: Page, canvas: str
) -> Screen:
    """Put the probe on the page; the mouse rests in the middle."""
    page.evaluate(f"() => ({PROBE})(({canvas})())")
    box = page.evaluate(
        f"() => {{ const b = ({canvas})().getBoundingClientRect();"
        " return [b.x, b.y, b.width, b.height]; }"
    )
    screen = Screen(server, tunnel, browser, page, tuple(box))
    page.move(*screen.middle)
    return screen


def sidecar_of(pid: int, display_id: str) -> int:
    """Return the process id of a display's sidecar, a child of the Jupyter server."""
    words = "jupyter_xdisplay.sidecar"
    return next(
        child for child, line in children(pid).items() if words in line and display_id in line
    )


def frames(
    screen: Screen,
    probe: Probe,
    seconds: float,
    *,
    program: subprocess.Popen[bytes] | None = None,
    warm_up_s: float = WARM_UP_S,
) -> Figures:
    """Count distinct frames on the canvas and the processor time of each, of what runs now."""
    server, page = screen.server, screen.page
    wait_for(lambda: _count(page, probe, 0.3)["distinct"] > 1, "no frame came")
    time.sleep(warm_up_s)
    groups = {
        "cpu": (*server.rfb, *screen.tunnel),
        "rfb_cpu": server.rfb,
        "x_cpu": server.xserver,
        "browser_cpu": screen.browser.pids(),
    }
    drawn = DrawnRate(program)
    before = {name: cpu_seconds(pids) for name, pids in groups.items()}
    found = _count(page, probe, seconds)
    after = {name: cpu_seconds(pids) for name, pids in groups.items()}
    drawn_rate = drawn.figures()
    count = max(1, found["distinct"])
    return {
        "fps": found["distinct"] / found["seconds"],
        **drawn_rate,
        "page_fps": found["ticks"] / found["seconds"],
        **{f"{name}_ms_per_frame": 1000 * (after[name] - before[name]) / count for name in groups},
    }


def _count(page: Page, probe: Probe, seconds: float) -> dict[str, float]:
    page.evaluate("probe => window.xdb.count(probe)", asdict(probe))
    time.sleep(seconds)
    found: dict[str, float] = page.evaluate("() => window.xdb.counted()")
    return found


def clicks(screen: Screen, count: int) -> Figures:
    """Click on the canvas and wait for the changed pixels."""
    found: Figures = {}
    with workloads.FLIP.on(screen.server):
        time.sleep(2 * WARM_UP_S)
        for name, click in clickables(screen.server).items():
            times = [_click(screen, click) for _ in range(click.times(count))]
            for kind, suffix in (("drawn", ""), ("shown", "_shown")):
                found |= percentiles(name + suffix, [one[kind] / 1000 for one in times])
    return found


def _click(screen: Screen, click: Click) -> dict[str, float]:
    time.sleep(pause_s())
    patience_ms = 1000 * GIVEN_UP_S
    screen.page.evaluate(
        "(places, patience) => window.xdb.change(places, patience)", click.places, patience_ms
    )
    screen.page.click(*screen.middle, "left" if click.button == 1 else "right")
    found = screen.page.evaluate("() => window.xdbChange")
    return found or {"drawn": patience_ms, "shown": patience_ms}
