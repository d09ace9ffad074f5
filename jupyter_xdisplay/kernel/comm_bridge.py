"""RFB bytes over the widget's comm, where no server extension can be reached.

Each view has its own connection to the sidecar, read in its own thread, so that frames go on
while a cell runs. What comes from a view waits for the kernel like all comm messages.

Messages (the field `view` is a string that the view chose; `data` has one buffer):

- view to kernel: open, data, ack (bytes handled since the last one), close, watch, stop,
  close_window; before all that, once for a page: bundle
- kernel to view: opened, data, closed (reason), info (the display, at each change), bundle (the
  views' JavaScript in one buffer, else the problem)
"""

from __future__ import annotations

import queue
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import StartFailed, XDisplayError
from jupyter_xdisplay.kernel import javascript
from jupyter_xdisplay.kernel.follower import Follower
from jupyter_xdisplay.sidecar.client import SidecarClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_xdisplay.kernel.widget import DisplayWidget

    Send = Callable[[dict[str, Any], list[bytes]], None]

WINDOW = 1024 * 1024
"""Most bytes on the way to one view that it has not acknowledged."""

CHUNK = 64 * 1024
MAX_VIEWS = 32
MAX_INPUT_WAITING = 4096
"""Most messages of one view that wait for the RFB server; a view beyond it is closed."""

MAX_INPUT = 16 * 1024 * 1024
"""Longest message in bytes that is taken from a view (a clipboard)."""


class CommBridge:
    """Serves the views of one widget.

    Parameters
    ----------
    widget
        The widget whose comm carries the bytes.
    socket_path
        The sidecar's socket.
    on_stop
        Called when a view asks to stop the display.
    window
        The window that the views show, 0 for the whole screen.
    """

    def __init__(
        self,
        widget: DisplayWidget,
        socket_path: str,
        on_stop: Callable[[], None],
        window: int = 0,
    ) -> None:
        self._widget = widget
        self._socket_path = socket_path
        self._window = window
        self._on_stop = on_stop
        self._lock = threading.Lock()
        self._views: dict[str, _View] = {}
        self._watch: _Watch | None = None
        self._closed = False
        widget.on_msg(self._on_message)

    @property
    def open_views(self) -> int:
        """How many views are connected."""
        return len(self._views)

    def close(self) -> None:
        """Close all connections; views are told."""
        with self._lock:
            self._closed = True
            views, self._views = list(self._views.values()), {}
            watch, self._watch = self._watch, None
        self._widget.on_msg(self._on_message, remove=True)
        for view in views:
            view.close()
        if watch is not None:
            watch.close()

    def _on_message(self, _widget: Any, content: Any, buffers: Any) -> None:
        if not isinstance(content, dict):
            return
        kind, view_id = content.get("type"), str(content.get("view"))[:64]
        if kind == "open":
            self._open(view_id)
        elif kind == "bundle":
            self._send_bundle()
        elif kind == "watch":
            self._start_watch()
        elif kind == "stop":
            self._on_stop()
        elif kind == "close_window":
            with suppress(XDisplayError):  # it has closed meanwhile
                SidecarClient(self._socket_path).close_window(self._window)
        elif (view := self._views.get(view_id)) is not None:
            if kind == "data" and buffers:
                view.write(bytes(buffers[0]))
            elif kind == "ack":
                view.acknowledge(content.get("bytes"))
            elif kind == "close":
                view.close()

    def _send_bundle(self) -> None:
        try:
            self._send({"type": "bundle"}, [javascript.bundle()])
        except StartFailed as error:
            self._send({"type": "bundle", "problem": error.to_json()}, [])

    def _open(self, view_id: str) -> None:
        self._start_watch()
        with self._lock:
            former = self._views.pop(view_id, None)
            if self._closed or len(self._views) >= MAX_VIEWS:
                reason = "the display is gone" if self._closed else "too many views"
                self._send({"type": "closed", "view": view_id, "reason": reason}, [])
                return
            view = _View(view_id, self._connect, self._send, self._gone)
            self._views[view_id] = view
        if former is not None:
            former.close()
        view.start()

    def _connect(self) -> socket.socket:
        return SidecarClient(self._socket_path).open_rfb(window=self._window)

    def _gone(self, view: _View) -> None:
        with self._lock:
            if self._views.get(view.id) is view:
                del self._views[view.id]

    def _start_watch(self) -> None:
        with self._lock:
            if self._closed:
                return
            if self._watch is None or not self._watch.tell_again():
                self._watch = _Watch(self._socket_path, self._send)
                self._watch.start()

    def _send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        # A comm that is closed swallows what is sent; a kernel that ends may raise anything.
        with suppress(Exception):
            self._widget.send(content, buffers)


class _View:
    """One view's connection: a thread for each direction."""

    def __init__(
        self,
        view_id: str,
        connect: Callable[[], socket.socket],
        send: Send,
        gone: Callable[[_View], None],
    ) -> None:
        self.id = view_id
        self._connect = connect
        self._send = send
        self._gone = gone
        self._changed = threading.Condition()
        self._unacknowledged = 0
        self._closed = False
        self._socket: socket.socket | None = None
        self._input: queue.Queue[bytes | None] = queue.Queue(MAX_INPUT_WAITING)

    def start(self) -> None:
        """Connect, and carry bytes until either end closes."""
        threading.Thread(target=self._read, name=f"xdisplay-view-{self.id}", daemon=True).start()

    def write(self, data: bytes) -> None:
        """Take bytes from the view."""
        if len(data) > MAX_INPUT:
            self.close()
            return
        try:
            self._input.put_nowait(data)
        except queue.Full:
            self.close()

    def acknowledge(self, count: object) -> None:
        """Note that the view has handled `count` more bytes."""
        if isinstance(count, int) and count > 0:
            with self._changed:
                self._unacknowledged = max(0, self._unacknowledged - count)
                self._changed.notify_all()

    def close(self) -> None:
        """Close the connection; both threads end. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            connection = self._socket
        with suppress(queue.Full):
            self._input.put_nowait(None)
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _read(self) -> None:
        reason: str | None = None
        try:
            connection = self._connect()
        except XDisplayError as error:
            self._over(error.message)
            return
        with connection:
            with self._changed:
                self._socket = connection
            threading.Thread(
                target=self._write_all,
                args=(connection,),
                name=f"xdisplay-input-{self.id}",
                daemon=True,
            ).start()
            self._send({"type": "opened", "view": self.id}, [])
            try:
                self._pump(connection)
            except OSError as error:
                reason = None if self._closed else str(error)
        self._over(reason)

    def _pump(self, connection: socket.socket) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._unacknowledged < WINDOW)
                if self._closed:
                    return
                room = WINDOW - self._unacknowledged
            data = connection.recv(min(CHUNK, room))
            if not data:
                return
            with self._changed:
                self._unacknowledged += len(data)
            self._send({"type": "data", "view": self.id}, [data])

    def _write_all(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while (data := self._input.get()) is not None and not self._closed:
                connection.sendall(data)

    def _over(self, reason: str | None) -> None:
        self.close()
        self._gone(self)
        self._send({"type": "closed", "view": self.id, "reason": reason}, [])


class _Watch:
    """Tells all views about every change of the display."""

    def __init__(self, socket_path: str, send: Send) -> None:
        self._send = send
        self._last: dict[str, Any] | None = None
        self._follower = Follower(socket_path, self._tell)

    def start(self) -> None:
        """Follow the sidecar's events in a thread."""
        self._follower.start()

    def tell_again(self) -> bool:
        """Send the newest info once more; False when there are no events any more."""
        last = self._last
        if last is not None:
            self._send({"type": "info", "info": last}, [])
        return not self._follower.over

    def close(self) -> None:
        """End the thread."""
        self._follower.close()

    def _tell(self, info: dict[str, Any]) -> None:
        self._last = info
        self._send({"type": "info", "info": info}, [])
