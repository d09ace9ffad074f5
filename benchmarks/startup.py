"""From `%xdisplay` to the first frame in the browser, in its parts; `%load_ext`; a peer.

The parts are wall-clock times of one machine: the page notes when the key was pressed, when the
view was there, and when it had drawn a frame; the kernel notes when it began, when the display
was up, and when the output was sent.

Peers, in the same run: PyVirtualDisplay starting an Xvfb of the same size (what people start a
display with), and `import ipywidgets` (what any widget costs in a kernel).
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.report import print_table, summary, write
from tests.e2e.lab import CHROMIUM, CHROMIUM_ARGUMENTS, Lab, Notebook, new_page, wait_for

REPEATS = 7

CELL = """\
import time
T = {"cell": time.time()}
%load_ext jupyter_xdisplay
T["loaded"] = time.time()
from jupyter_xdisplay.kernel import server_host
def create(*args, _create=server_host.ServerHost.create, **kwargs):
    T["asked"] = time.time()
    info = _create(*args, **kwargs)
    T["up"] = time.time()
    return info
server_host.ServerHost.create = create
T["begin"] = time.time()
%xdisplay desktop
T["sent"] = time.time()
"""

WATCH_PAGE = """\
() => {
  window.xdisplayTimes = {};
  const note = (name) => { window.xdisplayTimes[name] ??= Date.now() / 1000; };
  const pressed = (event) => { if (event.key === 'Enter') note('key'); };
  document.addEventListener('keydown', pressed, true);
  setInterval(() => {
    const host = document.querySelector('[data-xdisplay-state]');
    if (host) note('view');
    if (host?.dataset.xdisplayState === 'connected') note('connected');
    if (host?.dataset.xdisplayFrame === 'live') note('frame');
  }, 4);
}
"""

LOAD = """\
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""


def first_frame(page: Page, lab: Lab, name: str) -> dict[str, float]:
    """Run `%xdisplay` in a fresh kernel on a fresh page; return the seconds of each part."""
    lab.write_notebook(name, [CELL, "import json\nprint(json.dumps(T))"])
    book = Notebook(page, lab, name)
    time.sleep(1.5)  # let the page settle: it is not what is measured
    page.evaluate(WATCH_PAGE)
    book.start_cell(0)
    wait_for(lambda: "frame" in page.evaluate("() => window.xdisplayTimes"), "no frame came")
    book.run(1)
    at = {**page.evaluate("() => window.xdisplayTimes"), **json.loads(book.text(1))}
    for session in lab.api("GET", "api/sessions"):
        lab.api("DELETE", f"api/sessions/{session['id']}")
    overhead = at["begin"] - at["cell"]
    return {
        "key press to the kernel's first line": at["cell"] - at["key"],
        "%load_ext": at["loaded"] - at["cell"],
        "%xdisplay: before it asks for a display": at["asked"] - at["begin"],
        "%xdisplay: X server, window manager up": at["up"] - at["asked"],
        "%xdisplay: picture, widget, output sent": at["sent"] - at["up"],
        "output sent to view on the page": at["view"] - at["sent"],
        "view to connected": at["connected"] - at["view"],
        "connected to first frame": at["frame"] - at["connected"],
        "total: %xdisplay begins to first frame": at["frame"] - at["begin"],
        "total: key press to first frame": at["frame"] - at["key"] - overhead,
    }


def seconds_of(statement: str) -> float:
    """Return the seconds that a statement takes in a fresh IPython."""
    code = LOAD.format(statement=statement)
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return float(answer.stdout.split()[-1])


def display_start(peer: bool) -> float:
    """Return the seconds until a display takes connections: ours, or PyVirtualDisplay's."""
    if peer:
        from pyvirtualdisplay.display import Display

        start = time.perf_counter()
        peer_display = Display(backend="xvfb", size=(3840, 2160))
        peer_display.start()
        seconds = time.perf_counter() - start
        peer_display.stop()
        return seconds
    import asyncio

    from jupyter_xdisplay.runtime.manager import DisplayManager
    from jupyter_xdisplay.spec import DisplaySpec

    async def ours() -> float:
        manager = DisplayManager()
        start = time.perf_counter()
        await manager.create(DisplaySpec())
        seconds = time.perf_counter() - start
        await manager.close()
        return seconds

    return asyncio.run(ours())


def main(_options: list[str] | None = None) -> None:
    """Measure, print, write."""
    with contextlib.suppress(ImportError):
        import jupyter_xdisplay.runtime.manager  # noqa: F401 - imports are not measured
    parts: dict[str, list[float]] = defaultdict(list)
    with (
        tempfile.TemporaryDirectory(prefix="xdb-", dir="/tmp") as folder,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        root = Path(folder) / "lab"
        root.mkdir()
        lab = Lab(root, private_root=Path(folder) / "x")
        lab.wait_until_up()
        try:
            for repeat in range(REPEATS + 1):
                with new_page(browser) as page:
                    times = first_frame(page, lab, f"bench{repeat}.ipynb")
                if repeat:  # the first one warms the caches of the disk and the server
                    for name, seconds in times.items():
                        parts[name].append(seconds)
        finally:
            lab.stop()
            browser.close()
    loads = {
        "%load_ext jupyter_xdisplay": 'shell.run_line_magic("load_ext", "jupyter_xdisplay")',
        "import ipywidgets (peer)": "import ipywidgets",
    }
    fresh: dict[str, list[float]] = defaultdict(list)
    starts: dict[str, list[float]] = defaultdict(list)
    for _ in range(REPEATS):
        for name, statement in loads.items():
            fresh[name].append(seconds_of(statement))
        starts["jupyter_xdisplay: X server, WM, RFB server, socket"].append(display_start(False))
        starts["PyVirtualDisplay: X server (peer)"].append(display_start(True))
    tables = {
        "first_frame_s": {name: summary(values) for name, values in parts.items()},
        "load_s": {name: summary(values) for name, values in fresh.items()},
        "display_start_s": {name: summary(values) for name, values in starts.items()},
    }
    print_table("First frame in the browser", "s", tables["first_frame_s"])
    print_table("In a fresh kernel", "s", tables["load_s"])
    print_table("Display start", "s", tables["display_start_s"])
    ours, peer = (row["median"] for row in tables["display_start_s"].values())
    load, widgets = (row["median"] for row in tables["load_s"].values())
    ratios = {
        "display_start_vs_pyvirtualdisplay": round(ours / peer, 3),
        "load_ext_vs_import_ipywidgets": round(load / widgets, 3),
    }
    print("\nratios:", ratios)
    write("startup", {**tables, "ratios": ratios})
