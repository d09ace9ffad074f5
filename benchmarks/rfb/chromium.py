"""Chromium without anything that looks over its shoulder.

Playwright has every WebSocket message and every image's address told to it (the DevTools domain
`Network`), a third of what a frame costs then. So the pages that are measured are driven by the
few DevTools commands that are needed, and Playwright has left before.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import websocket

from benchmarks.rfb.processes import children, running
from jupyter_xdisplay.spec import Size
from tests.e2e.lab import CHROMIUM, CHROMIUM_ARGUMENTS, wait_for

ANSWER_S = 30.0
Button = Literal["left", "right"]


@dataclass(frozen=True)
class Chromium:
    """A browser with one page.

    Attributes
    ----------
    url
        Where DevTools listens, on the loopback interface.
    """

    pid: int
    url: str

    def pids(self) -> tuple[int, ...]:
        """Return its processes."""
        return (self.pid, *children(self.pid))

    @contextlib.contextmanager
    def page(self) -> Iterator[Page]:
        """Attach to the page."""
        listing = f"{self.url}/json/list"
        with urllib.request.urlopen(listing, timeout=ANSWER_S) as answer:  # noqa: S310 - http
            targets = json.load(answer)
        address = next(t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page")
        connection = websocket.create_connection(
            address, timeout=ANSWER_S, suppress_origin=True, skip_utf8_validation=True
        )
        try:
            yield Page(connection)
        finally:
            connection.close()


class BrowserError(Exception):
    """DevTools, or the script that was run, says that something is wrong."""


class Page:
    """A page, by the Chrome DevTools Protocol."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    def command(self, method: str, **parameters: Any) -> Any:
        """Send a command; return its answer."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(self._connection.recv())
            if answer.get("id") == number:
                break
        if "error" in answer:
            raise BrowserError(answer["error"])
        return answer["result"]

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """Call a JavaScript function; return what it returns, or what its promise gives."""
        given = ", ".join(map(json.dumps, arguments))
        found = self.command(
            "Runtime.evaluate",
            expression=f"({function})({given})",
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            raise BrowserError(details.get("exception", details).get("description", details))
        return found["result"].get("value")

    def go(self, url: str) -> None:
        """Open an address."""
        self.command("Page.navigate", url=url)

    def move(self, x: float, y: float) -> None:
        """Move the mouse."""
        self.command("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float, button: Button) -> None:
        """Press and release a button."""
        for kind in ("mousePressed", "mouseReleased"):
            self.command(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1
            )


@contextlib.contextmanager
def chromium(folder: Path, room: Size) -> Iterator[Chromium]:
    """Run a browser with a profile of its own; `room` is that of its page, in pixels."""
    profile = folder / "profile"
    argv = [
        *(CHROMIUM, *CHROMIUM_ARGUMENTS, "--headless", "--hide-scrollbars", "--mute-audio"),
        *("--remote-debugging-port=0", f"--user-data-dir={profile}"),
        *(f"--window-size={room.width},{room.height}", "about:blank"),
    ]
    with running(argv, log=folder / "chromium.log") as process:
        port = profile / "DevToolsActivePort"
        wait_for(lambda: port.exists() and "\n" in port.read_text(), "Chromium did not come up")
        yield Chromium(process.pid, f"http://127.0.0.1:{port.read_text().splitlines()[0]}")
