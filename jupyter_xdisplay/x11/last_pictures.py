"""What a window showed last, before its program took it down.

A pixmap that was named (Composite, NameWindowPixmap) outlives its window. It must be that of the
window itself, and not that of its frame: when a client goes, the server paints its place in the
frame anew before the window manager takes the frame away. And programs take windows down bit by
bit (Tk destroys what is in a window first), so what counts is a copy from shortly before, which
the X server makes in its own memory.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xcffib
import xcffib.composite
import xcffib.damage
import xcffib.xproto

from jupyter_xdisplay.spec import Size, WindowInfo
from jupyter_xdisplay.x11.capture import Capture, DrawableChangedError
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.png import is_single_colour, to_png

COPY_S = 0.15
"""Windows that were drawn are copied so long after that was heard, at the earliest. Until then
nothing else is listened to: twenty windows that move are one wake-up at a time and not twenty."""

COPIES_PER_S = 20
"""Many windows that move all the time are copied more seldom: together so often at most."""

TAKEN_DOWN_S = 0.5
"""A window of which a part went is not copied for so long: it may be taken down as a whole. When a
part comes it is not: parts are replaced."""

POSTPONED_MAX_S = 2.0
"""However often parts go, a window that was drawn is copied after so long."""

Store = Callable[[int, int, bytes, bool], None]
"""Takes a window, its process, its last picture as PNG, and whether that is all of one colour."""


_GONE = (xcffib.xproto.DestroyNotifyEvent, xcffib.xproto.UnmapNotifyEvent)
_EVENTS = xcffib.xproto.EventMask.StructureNotify | xcffib.xproto.EventMask.SubstructureNotify


@dataclass
class _Kept:
    """A window's memory, the copy of it, and from when on it differs from that copy.

    It is copied `COPY_S` after `drawn_s`, which is later than `differs_s` where that is postponed.
    """

    size: Size
    pid: int
    pixmap: int
    damage: int
    depth: int
    pixels: Size
    copy: int = 0
    drawn_s: float | None = None
    differs_s: float = 0.0

    def drawn(self, now_s: float) -> None:
        """Note that it differs from its copy now, if it did not already."""
        if self.drawn_s is None:
            self.drawn_s = self.differs_s = now_s

    def postpone(self, until_s: float, now_s: float) -> None:
        """Take it as drawn only then, within bounds."""
        self.drawn(now_s)
        self.drawn_s = min(until_s, self.differs_s + POSTPONED_MAX_S)


class LastPictures(threading.Thread):
    """Takes a picture of each top-level window when it closes.

    Windows draw into memory of their own as long as this runs.

    Parameters
    ----------
    display, xauthority
        Where to connect.
    store
        Takes each last picture.
    """

    def __init__(self, display: str, xauthority: Path, store: Store) -> None:
        super().__init__(name="last-pictures", daemon=True)
        self._x = X11Connection(display, xauthority)
        self._store = store
        self._composite = self._x.extension(xcffib.composite.key, 0, 4)
        self._damage = self._x.extension(xcffib.damage.key, 1, 1)
        self._lock = threading.Lock()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._stopping = False
        self._windows: set[int] = set()
        self._kept: dict[int, _Kept] = {}
        self._contexts: dict[int, int] = {}

    def follow(self, windows: Iterable[WindowInfo]) -> None:
        """Take up which windows there are now; pictures of those that went are stored then."""
        there = {info.id: info for info in windows if not info.parent}
        with self._lock:
            others = {
                window
                for window, kept in self._kept.items()
                if window in there and there[window].pid != kept.pid  # its id was given again
            }
            for window in (self._windows - there.keys()) | others:
                self._take(window)
            self._windows = (self._windows & there.keys()) - others
            for window, info in there.items():
                kept, size = self._kept.get(window), Size(info.width, info.height)
                if kept is None or kept.size != size:
                    self._renew(window, info.pid, size)
            self._x.flush()
        self._wake()

    def copy(self, window: int) -> None:
        """Copy a window that was drawn now and not a little later: it is about to close.

        Raises
        ------
        xcffib.XcffibException, OSError
            The X server is gone.
        """
        with self._lock:
            self._take_events()
            kept = self._kept.get(window)
            if kept and kept.drawn_s is not None and kept.drawn_s <= time.monotonic():
                self._copy(kept)
                self._x.core.GetInputFocus().reply()  # done before anyone asks it to close
        self._wake()  # events came with that reply

    def stop(self) -> None:
        """End the thread soon."""
        self._stopping = True
        self._wake()

    def run(self) -> None:
        """Copy what is drawn, until stopped or until the X server is gone."""
        try:
            while not self._stopping:
                self._wait()
                with self._lock:
                    self._take_events()
                    self._copy_drawn(time.monotonic())
        except (xcffib.XcffibException, OSError):
            pass
        finally:
            with self._lock:
                self._x.close()
            self._woken.close()
            self._waker.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it is awake already, or has ended
            self._waker.send(b"w")

    def _wait(self) -> None:
        with self._lock:
            drawn = [kept.drawn_s for kept in self._kept.values() if kept.drawn_s is not None]
        heard: list[socket.socket | int] = [self._woken]
        timeout = None
        if drawn:
            patience_s = max(COPY_S, len(drawn) / COPIES_PER_S)
            timeout = max(0.0, min(patience_s, min(drawn) + patience_s - time.monotonic()))
        else:
            heard.append(self._x.raw.get_file_descriptor())
        found, _, _ = select.select(heard, [], [], timeout)
        if self._woken in found:
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(4096)

    def _take_events(self) -> None:
        while True:
            try:
                event = self._x.raw.poll_for_event()
            except xcffib.Error:
                continue  # a window went between two requests
            if event is None:
                return
            if isinstance(event, xcffib.damage.NotifyEvent):
                kept = self._kept.get(event.drawable)
                if kept is not None:
                    kept.drawn(time.monotonic())
            elif isinstance(event, (*_GONE, xcffib.xproto.MapNotifyEvent)):
                self._take_change(event)

    def _take_change(self, event: Any) -> None:
        """Take up that a window, or a part of one, was mapped, unmapped or destroyed."""
        kept = self._kept.get(event.event)
        if kept is None:
            return
        now_s = time.monotonic()
        comes = isinstance(event, xcffib.xproto.MapNotifyEvent)
        if event.event != event.window:
            kept.postpone(now_s if comes else now_s + TAKEN_DOWN_S, now_s)
        elif comes:  # mapped again, it has other memory
            self._renew(event.window, kept.pid, kept.size)

    def _copy_drawn(self, now_s: float) -> None:
        for kept in self._kept.values():
            if kept.drawn_s is not None and now_s - kept.drawn_s >= COPY_S:
                kept.drawn_s = None
                self._damage.Subtract(kept.damage, xcffib.NONE, xcffib.NONE)
                self._copy(kept)
        self._x.flush()

    def _copy(self, kept: _Kept) -> None:
        core, root = self._x.core, self._x.root
        if not kept.copy:
            kept.copy = self._x.raw.generate_id()
            core.CreatePixmap(kept.depth, kept.copy, root, *kept.pixels)
        context = self._contexts.get(kept.depth)
        if context is None:
            context = self._contexts[kept.depth] = self._x.raw.generate_id()
            core.CreateGC(context, kept.copy, xcffib.xproto.GC.GraphicsExposures, [0])
        core.CopyArea(kept.pixmap, kept.copy, context, 0, 0, 0, 0, *kept.pixels)

    def _renew(self, window: int, pid: int, size: Size) -> None:
        """Keep the memory that a window draws into now: mapped or resized it has another."""
        self._free(self._kept.pop(window, None))
        pixmap, damage = self._x.raw.generate_id(), self._x.raw.generate_id()
        automatic = xcffib.composite.Redirect.Automatic
        try:
            if window not in self._windows:
                self._x.core.ChangeWindowAttributes(
                    window,
                    xcffib.xproto.CW.EventMask,
                    [_EVENTS],
                    is_checked=True,
                ).check()
                self._composite.RedirectWindow(window, automatic, is_checked=True).check()
                self._windows.add(window)
            self._composite.NameWindowPixmap(window, pixmap, is_checked=True).check()
            shape = self._x.core.GetGeometry(pixmap).reply()
            level = xcffib.damage.ReportLevel.NonEmpty
            self._damage.Create(damage, window, level, is_checked=True).check()
        except xcffib.Error:
            return  # gone already, or not mapped yet
        pixels = Size(shape.width, shape.height)
        self._kept[window] = _Kept(size, pid, pixmap, damage, shape.depth, pixels)

    def _take(self, window: int) -> None:
        kept = self._kept.pop(window, None)
        if kept is None:
            return
        with contextlib.suppress(DrawableChangedError):
            capture = Capture(self._x, kept.copy or kept.pixmap)
            try:
                pixels = capture.grab_all()
                self._store(window, kept.pid, to_png(pixels), is_single_colour(pixels))
            finally:
                capture.close()
        self._free(kept)

    def _free(self, kept: _Kept | None) -> None:
        if kept is not None:
            self._damage.Destroy(kept.damage)  # its window may be gone: that error means nothing
            self._x.core.FreePixmap(kept.pixmap)
            if kept.copy:
                self._x.core.FreePixmap(kept.copy)
