"""Top-level windows (EWMH `_NET_CLIENT_LIST`) and whether their programs answer."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import xcffib
import xcffib.xproto
from xcffib.xproto import EventMask

from jupyter_xdisplay.spec import Size, WindowInfo
from jupyter_xdisplay.x11.clients import Clients
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.last_pictures import LastPictures, Store
from jupyter_xdisplay.x11.managed import ManagerFence
from jupyter_xdisplay.x11.responding import CHECK_INTERVAL_S, Responding
from jupyter_xdisplay.x11.room import place_with_room

CLIENTS_INTERVAL_S = 2.0
"""There is no event for clients that come and go without a window: they are looked up."""

SETTLE_S = 0.02
"""Events come in bursts (map, configure, title): they are taken together."""

Listener = Callable[[tuple[WindowInfo, ...], tuple[int, ...]], None]


class WindowWatcher(threading.Thread):
    """Tells a listener the top-level windows and the clients' pids at every change.

    A thread with a connection of its own: a program that grabs the X server stops this thread
    and nothing else. The listener is called from this thread.

    Parameters
    ----------
    display, xauthority
        Where to connect.
    server_pid
        The X server's process.
    listener
        Takes the windows, bottom of the stack last mapped, and the pids of all X clients.
    """

    def __init__(self, display: str, xauthority: Path, server_pid: int, listener: Listener) -> None:
        super().__init__(name="window-watcher", daemon=True)
        self._display = display
        self._xauthority = xauthority
        self._server_pid = server_pid
        self._listener = listener
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._pinging = False
        self._stopping = False
        self._questions: deque[Callable[[], None]] = deque()
        self._settled: list[Callable[[], None]] = []
        self._store: Store | None = None
        self._pictures: LastPictures | None = None
        self._placed: dict[int, Size] = {}
        """How large the windows were when their places were looked at."""
        self._screen_changed = False
        self._watched: set[int] = set()
        self._described: list[WindowInfo] | None = None
        """The windows as they were at the last event; whether they answer may be out of date."""
        self._pids: dict[int, int] = {}
        self._last: tuple[tuple[WindowInfo, ...], tuple[int, ...]] | None = None

    def set_pinging(self, pinging: bool) -> None:
        """Ask programs whether they answer only while somebody looks."""
        self._pinging = pinging
        os.write(self._wake_write, b"p")

    def keep_pictures(self, store: Store) -> None:
        """Give the last picture of each window that closes to `store`, from now on.

        New windows are moved to where their menus have room: each is looked at by itself.
        """
        self._store = store
        os.write(self._wake_write, b"k")

    def copy_picture(self, window: int) -> None:
        """Take what a window shows now as its last picture for the present. Any thread."""
        if self._pictures is not None:
            with contextlib.suppress(xcffib.XcffibException, OSError):  # its end is told elsewhere
                self._pictures.copy(window)

    def settle(self, done: Callable[[], None]) -> None:
        """Call `done` once the listener knows all windows that programs have mapped so far.

        In the thread; never, where the window manager or the X server does not answer.
        """
        self._questions.append(done)
        os.write(self._wake_write, b"s")

    def stop(self) -> None:
        """End the thread soon."""
        self._stopping = True
        os.write(self._wake_write, b"q")

    def run(self) -> None:
        """Watch until stopped or until the X server is gone."""
        try:
            self._x = X11Connection(self._display, self._xauthority)
            self._clients = Clients(self._x)
            self._responding = Responding(self._x, self._server_pid)
            self._fence = ManagerFence(self._x)
            mask = EventMask.SubstructureNotify | EventMask.PropertyChange
            # Qt answers pings to those who hear of the root window itself.
            self._select(self._x.root, mask | EventMask.StructureNotify)
            self._report()
            while not self._stopping:
                if not self._take_events():  # some came with the replies to our own requests
                    self._wait()
                    self._take_events()
                self._ask()
                self._report()
                self._tell_settled()
        except (xcffib.XcffibException, OSError, ValueError):
            return  # the X server ended; the supervisor says why
        finally:
            if self._pictures is not None:
                self._pictures.stop()

    def _select(self, window: int, mask: int) -> None:
        self._x.core.ChangeWindowAttributes(window, xcffib.xproto.CW.EventMask, [mask])
        self._x.flush()

    def _wait(self) -> None:
        timeout = CHECK_INTERVAL_S if self._pinging else CLIENTS_INTERVAL_S
        ready, _, _ = select.select(
            [self._x.raw.get_file_descriptor(), self._wake_read], [], [], timeout
        )
        if self._wake_read in ready:
            os.read(self._wake_read, 64)
        elif ready and not self._fence.is_waiting:
            time.sleep(SETTLE_S)

    def _take_events(self) -> bool:
        """Take the events that are here; return whether there were any."""
        found = False
        while True:
            try:
                event = self._x.raw.poll_for_event()
            except xcffib.xproto.WindowError:
                continue  # a window went between two requests
            if event is None:
                return found
            found = True
            if isinstance(event, xcffib.xproto.ClientMessageEvent):
                self._responding.pong(event)
                continue
            if self._fence.is_own(event):
                if (done := self._fence.handle(event)) is not None:
                    self._settled.append(done)
                continue
            self._described = None
            if isinstance(event, xcffib.xproto.ConfigureNotifyEvent):
                self._screen_changed |= event.window == self._x.root
            elif isinstance(event, xcffib.xproto.DestroyNotifyEvent):
                self._watched.discard(event.window)  # its id may be given again

    def _ask(self) -> None:
        while self._questions:
            self._fence.ask(self._questions.popleft())
        if self._pinging:
            self._responding.check(self._pids)
        else:
            self._responding.forget()

    def _report(self) -> None:
        current = (self._windows(), self._clients.distinct_pids())
        if self._store is not None and self._pictures is None:
            self._pictures = LastPictures(self._display, self._xauthority, self._store)
            self._pictures.start()
            self._placed = _sizes(current[0])
        if self._pictures is not None:
            self._pictures.follow(current[0])
            self._give_room(current[0])
        if current != self._last:
            self._last = current
            self._listener(*current)

    def _tell_settled(self) -> None:
        settled, self._settled = self._settled, []
        for done in settled:
            done()

    def _give_room(self, windows: tuple[WindowInfo, ...]) -> None:
        """Move windows that are new, or reach beyond the screen, to where their menus have room."""
        sizes, placed = _sizes(windows), self._placed
        if sizes == placed and not self._screen_changed:
            return  # as nearly always: nothing is asked of the X server
        self._placed, self._screen_changed = sizes, False
        geometry = self._x.core.GetGeometry(self._x.root).reply()
        screen = Size(geometry.width, geometry.height)
        for info in windows:
            rect = Rect(info.x, info.y, info.width, info.height)
            if info.parent or (info.id in placed and rect.clip(screen) == rect):
                continue
            place = place_with_room(rect, screen)
            if place != rect[:2]:
                mask = xcffib.xproto.ConfigWindow.X | xcffib.xproto.ConfigWindow.Y
                self._x.core.ConfigureWindow(info.id, mask, list(place))

    def _windows(self) -> tuple[WindowInfo, ...]:
        if self._described is None:
            self._described = self._describe_all()
        answering = self._responding.of
        return tuple(
            dataclasses.replace(info, responding=answering(info.id)) for info in self._described
        )

    def _describe_all(self) -> list[WindowInfo]:
        listed = self._x.property_numbers(self._x.root, "_NET_CLIENT_LIST")
        pids = self._clients.pids()
        found = []
        for window in listed:
            if window not in self._watched:
                self._select(window, EventMask.PropertyChange | EventMask.StructureNotify)
                self._watched.add(window)
            info = self._describe(window, pids)
            if info is not None:
                found.append(info)
        self._pids = {info.id: info.pid for info in found}
        self._watched &= self._pids.keys()  # not who is gone and still listed
        return _with_parents(found, self._transients(found))

    def _transients(self, found: list[WindowInfo]) -> dict[int, int]:
        """Return which window each is a dialog of (ICCCM 4.1.2.6), 0 for none."""
        return {
            info.id: (self._x.property_numbers(info.id, "WM_TRANSIENT_FOR") or [0])[0]
            for info in found
        }

    def _describe(self, window: int, pids: dict[int, int]) -> WindowInfo | None:
        try:
            geometry = self._x.core.GetGeometry(window).reply()
            place = self._x.core.TranslateCoordinates(window, self._x.root, 0, 0).reply()
        except (xcffib.xproto.DrawableError, xcffib.xproto.WindowError):
            return None
        pid = pids.get(self._clients.base_of(window), 0)
        if not pid:
            pid = (self._x.property_numbers(window, "_NET_WM_PID") or [0])[0]
        return WindowInfo(
            id=window,
            title=self._title(window),
            wm_class=_last_string(self._x.property_bytes(window, "WM_CLASS")),
            pid=pid,
            x=place.dst_x,
            y=place.dst_y,
            width=geometry.width,
            height=geometry.height,
        )

    def _title(self, window: int) -> str:
        modern = self._x.property_bytes(window, "_NET_WM_NAME")
        if modern is not None:
            return modern.decode("utf-8", "replace")
        return (self._x.property_bytes(window, "WM_NAME") or b"").decode("latin-1")


def _with_parents(found: list[WindowInfo], transients: dict[int, int]) -> list[WindowInfo]:
    """Name the top-level window of each dialog, and of its dialogs."""

    def top_level(window: int) -> int:
        seen = set()
        while window not in seen and transients[window] in transients:
            seen.add(window)
            window = transients[window]
        return window

    tops = {info.id: top_level(info.id) for info in found}
    return [
        dataclasses.replace(info, parent=tops[info.id] if tops[info.id] != info.id else 0)
        for info in found
    ]


def _sizes(windows: Iterable[WindowInfo]) -> dict[int, Size]:
    return {info.id: Size(info.width, info.height) for info in windows}


def _last_string(value: bytes | None) -> str:
    """Return the class of WM_CLASS: two strings, each ended by a zero (ICCCM 4.1.2.5)."""
    strings = (value or b"").rstrip(b"\0").split(b"\0")
    return strings[-1].decode("latin-1")
