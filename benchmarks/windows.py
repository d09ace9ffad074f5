"""Windows inline: how soon they are seen, how smooth one is, and what many cost.

- `first_pixels_ms`: from the X request that maps a window to the first frame in its cell.
- `fps_window`, `fps_desktop`: distinct frames a second on the canvas of full motion at 1280x720, in
  one window's view and in the view of a whole screen of that size, in turn.
- `cpu_1`, `cpu_20`: processor time a second of sidecar, Jupyter server and browser while one
  window that changes 20 times a second is in sight, of 1 and of 20 such windows. The X server,
  which draws for all of them, is apart (`x_cpu_…`).
- `scroll_live`, `scroll_pictures`: frames a second while a page with 20 windows is scrolled past,
  live and changing, and then with their last pictures in their places.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.report import print_table, summary, write
from benchmarks.rfb import at_browser
from benchmarks.rfb.at_browser import Screen
from benchmarks.rfb.chromium import Page, chromium
from benchmarks.rfb.picture import FOLDER_VARIABLE
from benchmarks.rfb.probes import COUNTER
from benchmarks.rfb.processes import cpu_seconds
from benchmarks.rfb.servers import sidecar_server
from jupyter_xdisplay.spec import Size
from tests.e2e.lab import Lab, Notebook, wait_for

REPEATS = 5
FIRST = 12
MOTION_S = 4.0
CPU_S = 8.0
SIZE = Size(1280, 720)
ROOM = Size(1760, 1000)
LOW_ROOM = Size(1760, 640)
"""A page with room for one window of `ticker`; of the next one not even the title is seen."""

SCROLL = """\
async () => {
  const page = document.querySelector('.jp-WindowedPanel-outer');
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  page.scrollTop = 0;
  await frame();
  const begin = performance.now();
  let frames = 0;
  for (let now = begin; now - begin < 4000; now = performance.now()) {
    page.scrollTop = ((page.scrollHeight - page.clientHeight) * (now - begin)) / 4000;
    await frame();
    frames += 1;
  }
  return (1000 * frames) / (performance.now() - begin);
}"""

START = "%load_ext jupyter_xdisplay\n%xdisplay"
DESKTOP = f"%load_ext jupyter_xdisplay\n%xdisplay desktop --size {SIZE}"
RUN = """\
import os, subprocess, sys
def start(*words):
    return subprocess.Popen([sys.executable, "-m", *words], stdin=-1, stdout=-1, cwd={root!r},
                            env={{**os.environ, {folder!r}: {pictures!r}}})
"""
HOSTS = "() => [...document.querySelectorAll('[data-xdisplay-window]')]"
IN_SIGHT = """\
() => [...document.querySelectorAll('[data-xdisplay-window]')].filter((host) => {
  const { top, bottom } = host.getBoundingClientRect();
  const cells = document.querySelector('.jp-WindowedPanel-outer').getBoundingClientRect();
  return bottom > cells.top && top < cells.bottom;
})"""
CANVAS = """\
() => document.querySelector('[data-xdisplay-window]')?.shadowRoot.querySelector('canvas')"""
WATCH = """\
() => {
  const first = new WeakSet();  // X gives the ids of windows again
  window.xdbFirst = [];
  setInterval(() => {
    for (const host of document.querySelectorAll('[data-xdisplay-window]')) {
      if (host.dataset.xdisplayFrame === 'live') {
        first.has(host) || window.xdbFirst.push(Date.now() / 1000);
        first.add(host);
      }
    }
  }, 2);
}
"""


class Bench:
    """A notebook in JupyterLab, driven by DevTools once its cells have run."""

    def __init__(self, lab: Lab, page: Page, browser: Any) -> None:
        self.lab = lab
        self.page = page
        self.browser = browser

    def screen(self, canvas: str) -> Screen:
        """Describe what is measured."""
        info = self.lab.displays()[0]
        pid = at_browser.sidecar_of(self.lab.process.pid, info["id"])
        server = sidecar_server(pid, info["socket"], SIZE)
        return at_browser.put_probe(
            server, (self.lab.process.pid,), self.browser, self.page, canvas
        )


@contextlib.contextmanager
def notebook(cells: list[str], room: Size = ROOM) -> Iterator[Bench]:
    """Run cells as a user does, each to its end."""
    with tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp") as name:
        folder = Path(name)
        root = folder / "lab"
        root.mkdir()
        lab = Lab(root, private_root=folder / "x")
        try:
            lab.wait_until_up()
            lab.write_notebook("bench.ipynb", cells)
            with chromium(folder, room) as browser:
                with sync_playwright() as playwright:
                    page = playwright.chromium.connect_over_cdp(browser.url).contexts[0].pages[0]
                    book = Notebook(page, lab, "bench.ipynb")
                    page.evaluate(WATCH)
                    for index in range(len(cells)):
                        # Its windows shall be in sight.
                        book.cell(index).evaluate("cell => cell.scrollIntoView({block: 'start'})")
                        book.run(index)
                with browser.page() as page:
                    yield Bench(lab, page, browser)
        finally:
            lab.stop()


def helper(pictures: str) -> str:
    """Return the cell that defines `start`."""
    root = str(Path(__file__).parents[1])
    return RUN.format(root=root, folder=FOLDER_VARIABLE, pictures=pictures)


def first_pixels(pictures: str) -> list[float]:
    """Return the milliseconds from mapping to the first frame, of several windows."""
    opening = [
        f"p{number} = start('benchmarks.rfb.ticker', '1')\n"
        f"t{number} = float(p{number}.stdout.readline())\nimport time; time.sleep(1.5)\n"
        f"open('t{number}', 'w').write(str(t{number})); p{number}.stdin.close()"
        for number in range(FIRST)
    ]
    with notebook([START, helper(pictures), *opening]) as bench:
        seen = sorted(bench.page.evaluate("() => window.xdbFirst"))
        mapped = sorted(float(path.read_text()) for path in bench.lab.root.glob("t[0-9]*"))
    assert len(seen) == len(mapped) == FIRST, (seen, mapped)
    return [1000 * (late - early) for late, early in zip(seen, mapped, strict=True)]


def motion(pictures: str, *, window: bool) -> float:
    """Return distinct frames a second."""
    words = "'--window'" if window else ""
    cells = [
        START if window else DESKTOP,
        helper(pictures),
        f"p = start('benchmarks.rfb.motion', {words})\np.stdout.readline()",
    ]
    canvas = CANVAS if window else at_browser.VIEW_CANVAS
    with notebook(cells) as bench:
        cell = 2 if window else 0
        bench.page.evaluate(f"() => document.querySelectorAll('.jp-Cell')[{cell}].scrollIntoView()")
        wait_for(lambda: bench.page.evaluate(f"() => ({canvas})()?.width") == SIZE.width, "no view")
        return float(at_browser.frames(bench.screen(canvas), COUNTER, MOTION_S)["fps"])


def cost(pictures: str, count: int) -> dict[str, float]:
    """Return processor seconds a second with so many windows, one of them in sight."""
    room_below = "# so that one window, too, can be at the top of the page\n" * 40
    cells = [START, helper(pictures), f"p = start('benchmarks.rfb.ticker', '{count}')", room_below]
    with notebook(cells, LOW_ROOM) as bench:
        hosts = f"() => ({HOSTS})().length"
        wait_for(lambda: bench.page.evaluate(hosts) == count, "not all windows are there", 60)
        bench.page.evaluate(f"() => ({HOSTS})()[0].scrollIntoView()")
        time.sleep(6.0)  # streams out of sight end
        seen = bench.page.evaluate(f"() => ({IN_SIGHT})().length")
        assert seen == 1, f"{seen} windows are in sight"
        info = bench.lab.displays()[0]
        sidecar = at_browser.sidecar_of(bench.lab.process.pid, info["id"])
        server = sidecar_server(sidecar, info["socket"], SIZE)
        groups = {
            "cpu": (sidecar, bench.lab.process.pid, *bench.browser.pids()),
            "x_cpu": server.xserver,
        }
        before = {name: cpu_seconds(pids) for name, pids in groups.items()}
        time.sleep(CPU_S)
        after = {name: cpu_seconds(pids) for name, pids in groups.items()}
    return {f"{name}_{count}": (after[name] - before[name]) / CPU_S for name in groups}


def scrolled(pictures: str, count: int = 20) -> tuple[float, float]:
    """Return frames a second while windows are scrolled past, and while their pictures are."""
    cells = [START, helper(pictures), f"p = start('benchmarks.rfb.ticker', '{count}')"]
    with notebook(cells) as bench:
        hosts = f"() => ({HOSTS})().length"
        wait_for(lambda: bench.page.evaluate(hosts) == count, "not all windows are there", 60)
        time.sleep(3.0)
        live = float(bench.page.evaluate(SCROLL))
        (info,) = bench.lab.displays()
        window = info["windows"][0]["id"]  # the program takes no WM_DELETE_WINDOW: all go with one
        bench.lab.api("DELETE", f"xdisplay/api/displays/{info['id']}/windows/{window}")
        wait_for(lambda: bench.page.evaluate(hosts) == 0, "not all windows have closed", 60)
        time.sleep(3.0)
        return live, float(bench.page.evaluate(SCROLL))


def main(_arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    found: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp") as pictures:
        found["first_pixels_ms"] = first_pixels(pictures)
        for repeat in range(REPEATS):
            order = (True, False) if repeat % 2 else (False, True)
            for window in order:
                found["fps_window" if window else "fps_desktop"].append(
                    motion(pictures, window=window)
                )
            for count in (1, 20):
                for name, value in cost(pictures, count).items():
                    found[name].append(value)
            live, still = scrolled(pictures)
            found["scroll_live"].append(live)
            found["scroll_pictures"].append(still)
            print(f"   repeat {repeat + 1} of {REPEATS}", flush=True)
    rows = {name: summary(values) for name, values in found.items()}
    print_table("Windows inline", "as named", rows)
    ratios = {
        "fps_window_vs_desktop": _ratio(found["fps_window"], found["fps_desktop"]),
        "cpu_20_windows_vs_1": _ratio(found["cpu_20"], found["cpu_1"]),
        "scroll_live_vs_pictures": _ratio(found["scroll_live"], found["scroll_pictures"]),
    }
    for name, value in ratios.items():
        print(f"{name}: {value:.2f}")
    write("windows", {"figures": rows, "ratios": ratios})


def _ratio(ours: list[float], others: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(ours, others, strict=True)), 3)
