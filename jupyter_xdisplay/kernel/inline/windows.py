"""Windows inline: a live view of each new top-level window, under the cell that opened it."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.kernel.follower import Follower
from jupyter_xdisplay.kernel.inline.shown import ShownWindow, new_name
from jupyter_xdisplay.kernel.outputs import describe
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import DisplayInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_xdisplay.kernel.inline.cells import Cell, Cells
    from jupyter_xdisplay.spec import WindowInfo

MAX_INLINE = 32
"""Most windows with a view at one time, unless the user says otherwise."""

FIRST_S = 2.0
"""How long `start` waits to hear which windows are there already."""

GONE_S = 0.3
"""A window that is away for less (toolkits hide and show theirs again) keeps its view."""

STILL_S = 1.5
"""So long after it appeared a window that nobody looks at gets its first picture."""

PICTURE_S = 3.0
"""How long one picture may take, and all of them together where a cell waits for them."""

ATTEMPTS = 5
"""How often it is asked anew which windows there are, while they change."""


class _Held(NamedTuple):
    """A window without a view, as there are too many; the line that says so, and under what."""

    window: WindowInfo
    cell: Cell
    output: str


class InlineWindows:
    """The windows of one display, each under its cell.

    All calls and the follower's thread share a lock; none of them waits for anybody with it.

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
        self._shown: dict[int, ShownWindow] = {}
        self._held: dict[int, _Held] = {}
        self._captured: list[WindowInfo] | None = None
        self._captured_cells: set[str] = set()
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
                if shown.was_under(cell):
                    shown.publish(cell)

    def show_all(self, cell: Cell) -> int:
        """Show all windows that are open under a cell; return how many."""
        with self._lock:
            windows = [window for window in self._info.windows if not window.parent]
            for window in windows:
                shown = self._shown.get(window.id) or self._take(window)
                shown.publish(cell)
            return len(windows)

    def show_own(self, title: str, cell: Cell) -> None:
        """Show a window of this process under a cell, where it is shown under others only."""
        with self._lock:
            for shown in self._shown.values():
                window = shown.window
                if (window.pid, window.title) == (os.getpid(), title) and not shown.is_under(cell):
                    shown.publish(cell)

    def catch_up(self) -> None:
        """Take up the windows that are there at this moment."""
        for _ in range(ATTEMPTS):
            before = self._told
            try:
                info = self._sidecar.settled_info()
            except XDisplayError:
                return
            with self._lock:
                is_newest = self._told == before
                gone = self._take_news(info) if is_newest else []
            self._finish_all(gone)
            if is_newest:
                return

    def take_held_back(self) -> None:
        """Show the windows that were held back, as far as there is room now."""
        self.catch_up()
        with self._lock:
            for held in list(self._held.values()):
                if len(self._shown) < self.max_inline:
                    del self._held[held.window.id]
                    self._take(held.window).publish(held.cell, held.output)

    def refresh(self) -> None:
        """Put newer pictures into outputs that get theirs from here."""
        with self._lock:
            wanting = [shown for shown in self._shown.values() if shown.wants_pictures]
        end = time.monotonic() + PICTURE_S
        for shown in wanting:
            if time.monotonic() < end:
                self._still(shown)

    @contextmanager
    def capturing(self) -> Iterator[list[WindowInfo]]:
        """Give a list that new windows go into, instead of getting views: of this cell, for good.

        Others than this cell's go there too, as long as it runs.
        """
        cell = self._cells.latest
        with self._lock:
            found = self._captured = []
            if cell is not None:
                self._captured_cells.add(cell.mark)
        try:
            yield found
            self.catch_up()
        finally:
            with self._lock:
                self._captured = None

    def picture(self, window: WindowInfo) -> bytes | None:
        """Return a window as PNG, the last picture of one that has closed; None without any."""
        try:
            return self._sidecar.window_screenshot(window.id, PICTURE_S, pid=window.pid)
        except XDisplayError:
            return None

    def remember(self) -> None:
        """Take pictures of all windows, before the display ends."""
        with self._lock:
            all_shown = list(self._shown.values())
        self._picture_all(all_shown)

    def stop(self) -> None:
        """Leave the last pictures in place of the views; new windows get none."""
        self._follower.close()
        with self._lock:
            self._stopped = True
            gone = [self._shown.pop(window) for window in list(self._shown)]
        self._finish_all(gone)

    # Called in the follower's thread, too

    def _changed(self, value: dict[str, Any]) -> None:
        with self._lock:
            gone = self._take_news(DisplayInfo.from_json(value))
        self._finish_all(gone)

    def _take_news(self, info: DisplayInfo) -> list[ShownWindow]:
        """Take what is new; return what is not shown any more, to be finished without the lock."""
        if self._stopped:
            return []
        self._told += 1
        self._info = info
        windows = {window.id: window for window in info.windows if not window.parent}
        for missing in self._shown.keys() - windows.keys():
            self._leave(missing)
        gone = [shown for window in windows.values() if (shown := self._replaced(window))]
        self._let_held_go(windows)
        if self._heard.is_set():
            for window in _in_order(windows.values()):
                if window.id not in self._known:
                    self._appear(window)
        self._known = set(windows)
        self._heard.set()
        if info.state != "running":
            gone += [self._shown.pop(left) for left in list(self._shown)]
        return gone

    def _replaced(self, window: WindowInfo) -> ShownWindow | None:
        """Note that a window is there; return what was shown of another one with its id."""
        shown = self._shown.get(window.id)
        if shown is None:
            return None
        if shown.window.pid != window.pid:
            self._known.discard(window.id)
            return self._shown.pop(window.id)
        shown.window = window
        if shown.leaving is not None:
            shown.leaving.cancel()
            shown.leaving = None
        return None

    def _appear(self, window: WindowInfo) -> None:
        if self._captured is not None:
            if window.id not in {known.id for known in self._captured}:
                self._captured.append(window)
            return
        if window.id in self._shown:
            return  # it was away for a moment only
        cell = self._cells.of_process(window.pid)
        if cell is None or cell.mark in self._captured_cells:
            return
        if len(self._shown) >= self.max_inline:
            self._hold_back(window, cell)
            return
        shown = self._take(window)
        shown.publish(cell)
        still = threading.Timer(STILL_S, self._first_still, [shown])
        still.daemon = True
        still.start()

    def _hold_back(self, window: WindowInfo, cell: Cell) -> None:
        held = self._held[window.id] = _Held(window, cell, new_name())
        text = (
            f"The window {window.title!r} is held back: {self.max_inline} windows are inline "
            f"already. More: %xdisplay inline --max-inline {2 * self.max_inline}. "
            "All of them: %xdisplay desktop"
        )
        self._cells.publish(cell, {"text/plain": text}, {}, held.output)

    def _let_held_go(self, windows: dict[int, WindowInfo]) -> None:
        """Say so of windows that closed while they were held back."""
        for window, cell, output in list(self._held.values()):
            if window.id not in windows or windows[window.id].pid != window.pid:
                del self._held[window.id]
                left = {"text/plain": f"{describe(window)} closed without being shown."}
                self._cells.publish(cell, left, {}, output, update=True)

    def _take(self, window: WindowInfo) -> ShownWindow:
        shown = ShownWindow(self._cells, self._info, window, via_server=self._via_server)
        self._shown[window.id] = shown
        return shown

    def _first_still(self, shown: ShownWindow) -> None:
        """Take a first picture, for when the X server is killed: then there is no last one."""
        if shown.wants_pictures or self._info.viewers == 0:
            self._still(shown)
        else:  # it is put beside a view that somebody looks at, who would see it drawn anew
            shown.offer(self.picture(shown.window))

    def _still(self, shown: ShownWindow) -> None:
        """Put a picture beside the live view, if there is a newer one."""
        png = self.picture(shown.window)
        with self._lock:
            if self._shown.get(shown.window.id) is shown and shown.offer(png):
                shown.update()

    def _leave(self, window: int) -> None:
        shown = self._shown[window]
        if shown.leaving is None:
            shown.leaving = threading.Timer(GONE_S, self._left, [shown])
            shown.leaving.daemon = True
            shown.leaving.start()

    def _left(self, shown: ShownWindow) -> None:
        with self._lock:
            if shown.leaving is not threading.current_thread():
                return  # it came back meanwhile
            if self._shown.get(shown.window.id) is not shown:
                return  # another one has its id by now, and what left it is done
            del self._shown[shown.window.id]
        self._finish_all([shown])

    def _finish_all(self, gone: list[ShownWindow]) -> None:
        """Leave the last pictures in place of views."""
        self._picture_all(gone)
        for shown in gone:
            shown.finish()

    def _picture_all(self, all_shown: list[ShownWindow]) -> None:
        """Take their newest pictures, as far as they come in time."""
        end = time.monotonic() + PICTURE_S
        for shown in all_shown:
            if time.monotonic() < end:
                shown.offer(self.picture(shown.window))


def _in_order(windows: Iterable[WindowInfo]) -> list[WindowInfo]:
    """Sort by process, and then as they were made: programs may show what they made last first."""
    listed = list(windows)
    processes = list(dict.fromkeys(window.pid for window in listed))
    return sorted(listed, key=lambda window: (processes.index(window.pid), window.id))
