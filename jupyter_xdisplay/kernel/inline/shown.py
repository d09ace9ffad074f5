"""One window on the notebook's page: its outputs, its live view and its newest picture."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.kernel.outputs import bundle, describe, let_go, mark
from jupyter_xdisplay.png import is_single_colour

if TYPE_CHECKING:
    import threading

    from jupyter_xdisplay.kernel.comm_bridge import CommBridge
    from jupyter_xdisplay.kernel.inline.cells import Cell, Cells
    from jupyter_xdisplay.kernel.widget import DisplayWidget
    from jupyter_xdisplay.spec import DisplayInfo, WindowInfo


class ShownWindow:
    """A window that is shown under one cell or more.

    Parameters
    ----------
    cells
        Where outputs go.
    info
        The display.
    window
        The window.
    via_server
        Whether browsers reach it through the server extension.
    """

    def __init__(
        self, cells: Cells, info: DisplayInfo, window: WindowInfo, *, via_server: bool
    ) -> None:
        self.window = window
        self.leaving: threading.Timer | None = None
        """Runs while it is away, perhaps for a moment only."""
        self._cells = cells
        self._info = info
        self._via_server = via_server
        self._outputs: list[tuple[Cell, str]] = []
        self._png: bytes | None = None
        self._widget: DisplayWidget | None = None
        self._bridge: CommBridge | None = None

    def is_under(self, cell: Cell) -> bool:
        """Tell whether it is shown under this run of a cell."""
        return any(known.mark == cell.mark for known, _ in self._outputs)

    def was_under(self, cell: Cell) -> bool:
        """Tell whether it was shown under an earlier run of a cell; forget those outputs."""
        if cell.cell_id is None:
            return False
        others = [item for item in self._outputs if item[0].cell_id != cell.cell_id]
        found = len(others) < len(self._outputs)
        self._outputs = others
        return found

    @property
    def wants_pictures(self) -> bool:
        """Whether the notebook gets its pictures from here; else the server puts them in."""
        return not self._via_server or any(not cell.is_on_a_page for cell, _ in self._outputs)

    def publish(self, cell: Cell, held: str | None = None) -> None:
        """Show it under a cell, there in the place of the output called `held`."""
        output = held or new_name()
        self._outputs.append((cell, output))
        self._put(cell, output, update=held is not None)

    def offer(self, png: bytes | None) -> bool:
        """Take a newer picture, unless it shows nothing; tell whether it is another one."""
        if png is None or png == self._png or (self._png is not None and is_single_colour(png)):
            return False
        self._png = png
        return True

    def update(self) -> None:
        """Put the newest picture into all outputs, beside the live view."""
        for cell, output in self._outputs:
            self._put(cell, output, update=True)

    def finish(self) -> None:
        """Leave the newest picture in place of the views."""
        if self.leaving is not None:
            self.leaving.cancel()
        left = bundle(describe(self.window), self._png, None)
        for cell, output in self._outputs:
            # Without our mark: there is nothing left that the server could picture.
            self._cells.publish(cell, left, {}, output, update=True)
        let_go(self._widget, self._bridge)

    def _put(self, cell: Cell, output: str, *, update: bool) -> None:
        widget = self._live() if cell.is_on_a_page else None
        found = bundle(describe(self.window), self._png, widget)
        marked: dict[str, Any] = mark(self._info.id, self.window) if widget is not None else {}
        self._cells.publish(cell, found, marked, output, update=update)

    def _live(self) -> DisplayWidget:
        """Return the model of its views."""
        if self._widget is None:
            from jupyter_xdisplay.kernel.comm_bridge import CommBridge
            from jupyter_xdisplay.kernel.widget import DisplayWidget

            window = self.window
            self._widget = DisplayWidget(
                self._info,
                via_server=self._via_server,
                window=window.id,
                pid=window.pid or 0,
                own=window.pid == os.getpid(),
            )
            if not self._via_server:
                socket = self._info.socket
                self._bridge = CommBridge(self._widget, socket, lambda: None, window.id)
        return self._widget


def new_name() -> str:
    """Return a name for an output (`display_id` in Jupyter's messages)."""
    return f"xdisplay-{uuid.uuid4().hex}"
