"""Programs whose windows the tests act on: a Tk one that tells what it gets, and an X client."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xcffib.xproto

from jupyter_xdisplay.kernel.automation.window import Window
from jupyter_xdisplay.kernel.display import Display
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.geometry import Rect
from tests.waiting import DEADLINE_S, POLL_S, wait_until
from tests.x11.drawing import Drawing

MASK = xcffib.xproto.EventMask
PRESSED = xcffib.xproto.ButtonPressEvent
RELEASED = xcffib.xproto.ButtonReleaseEvent
MOVED = xcffib.xproto.MotionNotifyEvent

PROBE = """
import sys, tkinter
root = tkinter.Tk()
root.title(sys.argv[1])
root.geometry("300x200+150+120")
root.configure(bg="white")
def log(*words):
    print(*words, flush=True)
def paint(colour):
    root.configure(bg=colour)
    root.update()
    log("painted", colour)
def key(event):
    log("key", event.keysym, event.state & 0x4D)  # shift 1, ctrl 4, alt 8, super 64
    if event.keysym == "r":
        root.after(300, paint, "red")
    if event.keysym == "b":
        paint("blue")
    if event.keysym == "t":
        root.after(300, root.title, "Renamed window")
root.bind("<KeyPress>", key)
root.protocol("WM_DELETE_WINDOW", lambda: log("asked") if "stay" in sys.argv else root.destroy())
root.update()
log("ready")
root.mainloop()
"""


class Probe:
    """A running Tk program with a white window of 300x200.

    Parameters
    ----------
    window
        Its window.
    log
        The file that it writes what it gets to.
    """

    def __init__(self, window: Window, log: Path) -> None:
        self.window = window
        self._log = log

    def lines(self) -> list[str]:
        """Return what it wrote so far."""
        return self._log.read_text().splitlines()

    def wait_for(self, line: str) -> None:
        """Wait until it wrote that."""
        wait_until(lambda: line in self.lines(), f"{line!r} is not in {self.lines()}")


@contextmanager
def probe(d: Display, folder: Path, title: str = "Probe", *arguments: str) -> Iterator[Probe]:
    """Run the Tk program until its window is there; end it afterwards."""
    log = folder / f"{title}.log"
    with log.open("wb") as file:
        process = d.run([sys.executable, "-c", PROBE, title, *arguments], stdout=file)
    try:
        program = Probe(d.window(title), log)
        program.wait_for("ready")
        yield program
    finally:
        process.kill()
        process.wait()
        wait_until(lambda: title not in [info.title for info in d.info.windows])


class Client:
    """A window of an X client in this process that notes the pointer's events.

    Parameters
    ----------
    d
        Where to open it.
    """

    def __init__(self, d: Display) -> None:
        info = d.info
        self.x = X11Connection(info.display, Path(info.xauthority))
        self._events = Events(self.x)
        mask = MASK.ButtonPress | MASK.ButtonRelease | MASK.PointerMotion
        self._mask = mask
        self.drawing = Drawing(self.x, Rect(0, 0, 300, 200), mask, managed=True)
        self.drawing.move(x=250, y=200)
        wait_until(lambda: abs(self.place[0] - 250) + abs(self.place[1] - 200) < 80)
        self._got: list[object] = []
        for kind in (PRESSED, RELEASED, MOVED):
            self._events.on(kind, self._got.append)
        self.window = wait_until(
            lambda: next((w for w in d.windows() if w.id == self.drawing.window), None)
        )

    @property
    def place(self) -> tuple[int, int]:
        """Where it is on the screen, without its frame."""
        at = self.x.core.TranslateCoordinates(self.drawing.window, self.x.root, 0, 0).reply()
        return at.dst_x, at.dst_y

    def menu(self, rect: Rect, colour: int) -> Drawing:
        """Open a menu at a place relative to the window."""
        left, top = self.place
        menu = Drawing(self.x, rect._replace(x=left + rect.x, y=top + rect.y), self._mask)
        menu.fill(Rect(0, 0, rect.width, rect.height), colour)
        return menu

    def got(self, kind: type, window: int = 0) -> list[tuple[int, int, int]]:
        """Return button (0 for a motion) and place of the events of one kind so far."""
        self.drawing.sync()
        self._events.dispatch()
        window = window or self.drawing.window
        return [
            (getattr(event, "detail", 0) if kind is not MOVED else 0, event.event_x, event.event_y)  # type: ignore[attr-defined]
            for event in self._got
            if isinstance(event, kind) and event.event == window  # type: ignore[attr-defined]
        ]

    def wait_for(self, kind: type, expected: list[tuple[int, int, int]], window: int = 0) -> None:
        """Wait until just these came: the window manager sees a press first, and passes it on."""
        end = time.monotonic() + DEADLINE_S
        while len(self.got(kind, window)) < len(expected) and time.monotonic() < end:
            time.sleep(POLL_S)
        found = self.got(kind, window)
        assert found == expected, f"{found}, and not {expected}; it stands at {self.place}"

    def forget(self) -> None:
        """Forget what came so far."""
        self._got.clear()

    def close(self) -> None:
        """Close the window and disconnect."""
        self.drawing.close()
        self.x.close()
