"""One viewer's X connection: damage wakes it, it grabs and encodes, off the event loop."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import xcffib

from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.sidecar.rfb_server.encoder import Encoder, Wishes
from jupyter_xdisplay.sidecar.rfb_server.frame_clock import FrameClock
from jupyter_xdisplay.sidecar.rfb_server.region import Region, Resting
from jupyter_xdisplay.sidecar.rfb_server.stats import describe_capture
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.capture import DrawableChangedError
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.cursor import Cursor, CursorWatch
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.framebuffer import Framebuffer
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.xtest import XTest

FRAME_INTERVAL_S = 1 / 66
"""Programs that draw faster than screens show are not followed further than this; those that draw
60 frames a second, a little early or late, are."""

BURST = 3
"""Frames that may follow one another at once after a pause."""

REST_S = 0.3
"""What moved is sent exactly this long after it stopped."""


OpenFramebuffer = Callable[[X11Connection, Events], Framebuffer]
"""Opens what the viewer looks at, on a connection of the thread's own."""


class Layout(NamedTuple):
    """A framebuffer's size, and its parts (`Framebuffer.parts`)."""

    size: Size
    parts: tuple[Rect, ...]


@dataclasses.dataclass(frozen=True)
class Frame:
    """What the thread made: complete rectangles, or another layout (then no pixels)."""

    wishes: Wishes
    rectangles: tuple[bytes, ...] = ()
    encoder: str = ""
    layout: Layout | None = None
    cursor: Cursor | None = None


class ViewerThread(threading.Thread):
    """Captures and encodes for one viewer.

    Parameters
    ----------
    display, xauthority
        Where to connect.
    open_framebuffer
        Opens what to show.
    size
        The size that the viewer was told.
    made
        Takes each frame, called in this thread.
    ended
        Called in this thread at its end: it was stopped, or what it shows is gone.
    """

    def __init__(
        self,
        display: str,
        xauthority: Path,
        open_framebuffer: OpenFramebuffer,
        size: Size,
        made: Callable[[Frame], None],
        ended: Callable[[], None],
    ) -> None:
        super().__init__(name="rfb-viewer", daemon=True)
        self._where = (display, xauthority)
        self._open_framebuffer = open_framebuffer
        self._made = made
        self._ended = ended
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._lock = threading.Lock()
        self._wishes: Wishes | None = None
        self._granted = False
        self._asked: list[Rect] = []
        self._stopping = False
        self._dirty = Region()
        self._resting = Resting(REST_S)
        self._encoder = Encoder()
        self._clock = FrameClock(FRAME_INTERVAL_S, BURST)
        self._told = Layout(size, (Rect(0, 0, *size),))
        self.origin = (0, 0)
        """Where the framebuffer's top left corner is on the screen."""
        self.capture = ""

    # Called from the event loop

    def grant(self, wishes: Wishes) -> None:
        """Allow one more frame, made by these wishes as soon as there is something to send."""
        with self._lock:
            self._wishes = wishes
            self._granted = True
        self._wake()

    def ask_whole(self, rect: Rect) -> None:
        """Send a part whether it changed or not (a request that is not incremental)."""
        with self._lock:
            self._asked.append(rect)
        self._wake()

    def start_over(self) -> None:
        """Forget what was made but not sent: the viewer's format changed meanwhile."""
        with self._lock:
            self._encoder.abandon()
            self._cursor.changed = True
            self._asked.append(Rect(0, 0, 1 << 15, 1 << 15))

    def stop(self) -> None:
        """End the thread soon."""
        self._stopping = True
        self._wake()

    # This thread

    def run(self) -> None:
        """Capture until stopped or until the X server is gone."""
        try:
            self._open()
            while not self._stopping and not self._framebuffer.gone:
                self._wait()
                self._collect()
                if self._is_due():
                    self._send()
        except (xcffib.ConnectionException, OSError, StartFailed, DrawableChangedError):
            pass
        finally:
            self._close()
            self._ended()

    def _open(self) -> None:
        self._x = X11Connection(*self._where)
        XTest(self._x)  # a program that grabs the server does not stop the pictures
        self._events = Events(self._x)
        self._framebuffer = self._open_framebuffer(self._x, self._events)
        self.origin = self._framebuffer.origin
        self.capture = describe_capture(self._framebuffer.path, self._framebuffer.why)
        self._cursor = CursorWatch(self._x, self._events)

    def _close(self) -> None:
        with suppress(xcffib.ConnectionException, AttributeError):  # never opened, or all is gone
            self._framebuffer.close()
        with suppress(xcffib.ConnectionException, AttributeError):
            self._x.close()
        with self._lock:
            os.close(self._wake_read)
            self._wake_write, closed = -1, self._wake_write
            os.close(closed)

    def _wake(self) -> None:
        with self._lock, suppress(OSError):  # the thread has ended, or is awake already
            os.write(self._wake_write, b"w")

    def _wait(self) -> None:
        timeout_s = self._due_s() if self._granted else None
        ready = self._events.wait(timeout_s, [self._wake_read])
        if ready:
            with suppress(BlockingIOError):
                os.read(self._wake_read, 4096)

    def _due_s(self) -> float | None:
        """Return the seconds until there is something to send; None: only an event tells."""
        now = time.monotonic()
        if self._dirty or self._cursor.changed or self._told != self._layout():
            return self._clock.due_s(now)
        return self._resting.due_s(now)

    def _collect(self) -> None:
        with self._lock:
            asked, self._asked = self._asked, []
        damaged = self._framebuffer.fetch_damage()
        self.origin = self._framebuffer.origin
        for rect in asked:
            clipped = rect.clip(self._framebuffer.size)
            self._encoder.forget(clipped)
            self._dirty.add(clipped)
        for rect in damaged:
            self._dirty.add(rect)

    def _is_due(self) -> bool:
        due_s = self._due_s()
        return self._granted and due_s is not None and due_s <= 0

    def _send(self) -> None:
        """Make a frame of what there is and hand it over; the grant is used up then."""
        wishes = self._wishes
        assert wishes is not None
        if self._dirty:  # a refresh goes on as fast as it can, and delays no frame after it
            self._clock.made(time.monotonic())
        if self._told != self._layout():
            frame: Frame | None = self._make_layout(wishes)
        else:
            cursor = self._cursor.fetch() if self._cursor.changed and wishes.cursor else None
            self._cursor.changed = False
            try:
                frame = self._make_pixels(wishes, cursor)
            except DrawableChangedError:
                self._dirty.add(Rect(0, 0, *self._framebuffer.size))
                self._cursor.changed = True
                self._encoder.abandon()
                return  # it was resized in between: the size comes first
        if frame is not None:
            with self._lock:
                self._granted = False
            self._made(frame)

    def _layout(self) -> Layout:
        return Layout(self._framebuffer.size, self._framebuffer.parts)

    def _make_layout(self, wishes: Wishes) -> Frame:
        before, self._told = self._told, self._layout()
        if before.size != self._told.size or before.parts[:1] != self._told.parts[:1]:
            self._dirty.clear()
            self._resting.clear()
            self._encoder.forget(Rect(0, 0, *self._told.size))
            self._dirty.add(Rect(0, 0, *self._told.size))
        return Frame(wishes, layout=self._told)

    def _make_pixels(self, wishes: Wishes, cursor: Cursor | None) -> Frame | None:
        now = time.monotonic()
        made: list[bytes] = []
        moving = self._dirty.take()
        self._encoder.begin(wishes, self._framebuffer.size)
        for rect in moving:
            for inexact in self._encoder.add(self._framebuffer.grab(rect), rect, made):
                self._resting.add(inexact, now)
        if not moving:
            rested = self._resting.take(now, self._encoder.slice_pixels(wishes))
            if rested is not None:
                self._encoder.add_exact(self._framebuffer.grab(rested), rested, made)
        if not made and cursor is None:
            return None
        return Frame(wishes, tuple(made), self._encoder.used, cursor=cursor)
