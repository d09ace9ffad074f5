"""Windows inline: a live view of each new top-level window, under the cell that opened it."""

from __future__ import annotations

import os
import threading
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.kernel.follower import Follower
from jupyter_xdisplay.kernel.outputs import bundle, describe, let_go, mark
from jupyter_xdisplay.png import is_single_colour
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import DisplayInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_xdisplay.kernel.comm_bridge import CommBridge
    from jupyter_xdisplay.kernel.inline.cells import Cell, Cells
    from jupyter_xdisplay.kernel.widget import DisplayWidget
    from jupyter_xdisplay.spec import WindowInfo

MAX_INLINE = 32
"""Most windows with a view at one time, unless the user says otherwise."""

FIRST_S = 2.0
"""How long `start` waits to hear which windows are there already."""

GONE_S = 0.3
"""A window that is away for less (toolkits hide and show theirs again) keeps its view."""

STILL_S = 1.5
"""So long after it appeared a window that nobody looks at gets its first picture."""


class _Shown:
    """A window that has a view."""

    def __init__(
        self, window: WindowInfo, widget: DisplayWidget, bridge: CommBridge | None
    ) -> None:
        self.window = window
        self.widget = widget
        self.bridge = bridge
        self.outputs: list[tuple[Cell, str]] = []
        self.png: bytes | None = None
        self.leaving: threading.Timer | None = None

    def offer(self, png: bytes) -> bool:
        """Take a newer picture, unless it shows nothing; tell whether it is another one."""
        if png == self.png or (self.png is not None and is_single_colour(png)):
            return False
        self.png = png
        return True


class InlineWindows:
    """The windows of one display, each under its cell.

    All calls and the follower's thread share a lock; none of them waits for a program.

    Parameters
    ----------
    cells
        Where outputs go.
    info
        The display.
    via_server
        Whether browsers reach it through the server extension.
    max_inline
        Most windows with a view at one time.
    """

    def __init__(
        self, cells: Cells, info: DisplayInfo, *, via_server: bool, max_inline: int = MAX_INLINE
    ) -> None:
        self.max_inline = max_inline
        self._cells = cells
        self._info = info
        self._via_server = via_server
        self._sidecar = SidecarClient(info.socket)
        self._lock = threading.RLock()
        self._heard = threading.Event()
        self._known: set[int] = set()
        self._shown: dict[int, _Shown] = {}
        self._held: set[int] = set()
        self._captured: list[WindowInfo] | None = None
        self._told = 0
        self._stopped = False
        self._follower = Follower(info.socket, self._changed, self._heard.set)

    def start(self) -> None:
        """Begin: windows that open from now on get a view."""
        self._sidecar.follow_windows()
        self._follower.start()
        self._heard.wait(FIRST_S)

    @property
    def is_over(self) -> bool:
        """Whether the display has ended."""
        return self._follower.over and self._info.state != "running"

    def begin_cell(self, cell: Cell) -> None:
        """Show the windows of a cell that is run again, and whose outputs are gone with that."""
        with self._lock:
            for shown in self._shown.values():
                others = [item for item in shown.outputs if item[0].cell_id != cell.cell_id]
                if cell.cell_id is not None and len(others) < len(shown.outputs):
                    shown.outputs = others
                    self._publish(shown, cell)

    def show_all(self, cell: Cell) -> int:
        """Show all windows that are open under a cell; return how many."""
        with self._lock:
            windows = [window for window in self._info.windows if not window.parent]
            for window in windows:
                shown = self._shown.get(window.id) or self._take(window)
                self._publish(shown, cell)
            return len(windows)

    def catch_up(self) -> None:
        """Take up the windows that are there at this moment."""
        with suppress(XDisplayError):
            before = self._told
            info = self._sidecar.info()
            with self._lock:
                if self._told == before:  # else the follower knows at least as much
                    self._changed(info.to_json())

    def take_held_back(self) -> None:
        """Show the windows that were held back, as far as there is room now."""
        with self._lock:
            self._known -= self._held
            self._held.clear()
        self.catch_up()

    def refresh(self) -> None:
        """Put newer pictures into outputs whose views nobody looks at."""
        with self._lock:
            unseen = [
                shown
                for shown in self._shown.values()
                if shown.bridge is not None and shown.bridge.open_views == 0
            ]
        for shown in unseen:
            self._still(shown)

    @contextmanager
    def capturing(self) -> Iterator[list[WindowInfo]]:
        """Give a list that new windows go into, instead of getting views."""
        with self._lock:
            found = self._captured = []
        try:
            yield found
            self.catch_up()
        finally:
            with self._lock:
                self._captured = None

    def picture(self, window: WindowInfo) -> bytes | None:
        """Return a window as PNG, the last picture of one that has closed; None without any."""
        try:
            return self._sidecar.window_screenshot(window.id, pid=window.pid)
        except XDisplayError:
            return None

    def remember(self) -> None:
        """Take pictures of all windows, before the display ends."""
        with self._lock:
            for shown in self._shown.values():
                if (png := self.picture(shown.window)) is not None:
                    shown.offer(png)

    def stop(self) -> None:
        """Leave the last pictures in place of the views; new windows get none."""
        self._follower.close()
        with self._lock:
            self._stopped = True
            for window in list(self._shown):
                self._finish(window)

    # Called in the follower's thread, too

    def _changed(self, value: dict[str, Any]) -> None:
        with self._lock:
            if self._stopped:
                return
            self._told += 1
            info = self._info = DisplayInfo.from_json(value)
            windows = {window.id: window for window in info.windows if not window.parent}
            for gone in self._shown.keys() - windows.keys():
                self._leave(gone)
            for window in windows.values():
                self._still_there(window)
            if self._heard.is_set():
                for window in _in_order(windows.values()):
                    if window.id not in self._known:
                        self._appear(window)
            self._known = set(windows)
            self._heard.set()
            if info.state != "running":
                for left in list(self._shown):
                    self._finish(left)

    def _still_there(self, window: WindowInfo) -> None:
        shown = self._shown.get(window.id)
        if shown is None:
            return
        if shown.window.pid != window.pid:  # another program's, with the same id
            self._known.discard(window.id)
            self._finish(window.id)
            return
        shown.window = window
        if shown.leaving is not None:
            shown.leaving.cancel()
            shown.leaving = None

    def _appear(self, window: WindowInfo) -> None:
        if self._captured is not None:
            if window.id not in {known.id for known in self._captured}:
                self._captured.append(window)
            return
        if window.id in self._shown:
            return  # it was away for a moment only
        cell = self._cells.of_process(window.pid)
        if cell is None:
            return
        if len(self._shown) >= self.max_inline:
            self._hold_back(window, cell)
            return
        shown = self._take(window)
        self._publish(shown, cell)
        still = threading.Timer(STILL_S, self._first_still, [shown])
        still.daemon = True
        still.start()

    def _hold_back(self, window: WindowInfo, cell: Cell) -> None:
        self._held.add(window.id)
        text = (
            f"The window {window.title!r} is held back: {self.max_inline} windows are inline "
            f"already. More: %xdisplay inline --max-inline {2 * self.max_inline}. "
            "All of them: %xdisplay desktop"
        )
        self._cells.publish(cell, {"text/plain": text}, {}, _new_name())

    def _take(self, window: WindowInfo) -> _Shown:
        from jupyter_xdisplay.kernel.comm_bridge import CommBridge
        from jupyter_xdisplay.kernel.widget import DisplayWidget

        widget = DisplayWidget(
            self._info,
            via_server=self._via_server,
            window=window.id,
            pid=window.pid or 0,
            own=window.pid == os.getpid(),
        )
        bridge = None
        if not self._via_server:
            bridge = CommBridge(widget, self._info.socket, lambda: None, window.id)
        shown = self._shown[window.id] = _Shown(window, widget, bridge)
        return shown

    def _publish(self, shown: _Shown, cell: Cell) -> None:
        output = _new_name()
        shown.outputs.append((cell, output))
        self._cells.publish(
            cell,
            bundle(describe(shown.window), shown.png, shown.widget),
            mark(self._info.id, shown.window),
            output,
        )

    def _first_still(self, shown: _Shown) -> None:
        """Take a first picture, for when the X server is killed: then there is no last one.

        It is put beside a view that nobody looks at: a front end draws the view anew.
        """
        if self._info.viewers == 0:
            self._still(shown)
        elif (png := self.picture(shown.window)) is not None:
            shown.offer(png)

    def _still(self, shown: _Shown) -> None:
        """Put a picture beside the live view, if there is a newer one."""
        png = self.picture(shown.window)
        with self._lock:
            if png is None or self._shown.get(shown.window.id) is not shown or not shown.offer(png):
                return
            for cell, output in shown.outputs:
                self._cells.publish(
                    cell,
                    bundle(describe(shown.window), shown.png, shown.widget),
                    mark(self._info.id, shown.window),
                    output,
                    update=True,
                )

    def _leave(self, window: int) -> None:
        shown = self._shown[window]
        if shown.leaving is None:
            shown.leaving = threading.Timer(GONE_S, self._left, [shown])
            shown.leaving.daemon = True
            shown.leaving.start()

    def _left(self, shown: _Shown) -> None:
        with self._lock:
            if shown.leaving is threading.current_thread():  # else it came back meanwhile
                self._finish(shown.window.id)

    def _finish(self, window: int) -> None:
        """Leave the last picture in place of a view."""
        with self._lock:
            shown = self._shown.pop(window, None)
        if shown is None:
            return
        if (png := self.picture(shown.window)) is not None:
            shown.offer(png)
        if shown.leaving is not None:
            shown.leaving.cancel()
        for cell, output in shown.outputs:
            # Without our mark: there is nothing left that the server could picture.
            self._cells.publish(
                cell, bundle(describe(shown.window), shown.png, None), {}, output, update=True
            )
        let_go(shown.widget, shown.bridge)


def _in_order(windows: Iterable[WindowInfo]) -> list[WindowInfo]:
    """Sort by process, and then as they were made: programs may show what they made last first."""
    listed = list(windows)
    processes = list(dict.fromkeys(window.pid for window in listed))
    return sorted(listed, key=lambda window: (processes.index(window.pid), window.id))


def _new_name() -> str:
    return f"xdisplay-{uuid.uuid4().hex}"
