"""What a display brings to an IPython shell: `&`, the GUI event loop, views in cells."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from jupyter_xdisplay.errors import UsageError, XDisplayError
from jupyter_xdisplay.kernel import environ
from jupyter_xdisplay.kernel.background import BackgroundPrograms
from jupyter_xdisplay.kernel.gui import figures
from jupyter_xdisplay.kernel.gui.gui_loop import GuiLoop
from jupyter_xdisplay.kernel.gui.interrupts import Interrupts
from jupyter_xdisplay.kernel.host import STOPPED

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_xdisplay.kernel.display import Display
    from jupyter_xdisplay.kernel.inline.cells import Cells
    from jupyter_xdisplay.kernel.inline.windows import InlineWindows
    from jupyter_xdisplay.kernel.session import Session
    from jupyter_xdisplay.kernel.views import Views


class ShellParts:
    """The parts of this package that live in one IPython shell.

    Parameters
    ----------
    shell
        The IPython shell.
    session
        The session of this process.
    """

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        self.shell = shell
        self._session = session
        self.gui = GuiLoop(
            shell, self._can_open_windows, lambda: session.environment.before("MPLBACKEND")
        )
        self.background = BackgroundPrograms(shell)
        self.interrupts = Interrupts(self._own_windows, self._show_here)
        self.views: Views | None = None
        self.cells: Cells | None = None
        self._inline: dict[str, InlineWindows] = {}
        self._told: set[str] = set()
        self._settled: WeakSet[Any] = WeakSet()
        shell.events.register("pre_run_cell", self._before_cell)
        if hasattr(shell, "kernel"):
            from jupyter_xdisplay.kernel.inline.cells import Cells
            from jupyter_xdisplay.kernel.views import Views

            self.cells = Cells(shell)
            self.views = Views(self._stop_from_view, self.cells)
            shell.events.register("post_run_cell", self._after_cell)

    def prepare(self) -> None:
        """Begin slow imports while a display starts in another process."""
        if self.views is not None:
            self.views.import_early()

    def display_is_there(self) -> list[str]:
        """Switch on what windows need; return what the user has to be told."""
        self.background.install()
        self.interrupts.install()
        told = [self.gui.arm(), *environ.notes(os.environ)]
        fresh = [line for line in told if line and line not in self._told]
        self._told.update(fresh)
        return fresh

    def inline(self, display: Display) -> InlineWindows | None:
        """Return what shows the windows of a display inline; None where they are not."""
        return self._inline.get(display.id)

    def start_inline(self, display: Display) -> InlineWindows:
        """Show the windows that open on a display inline, from now on.

        Raises
        ------
        UsageError
            Where there is no notebook.
        """
        if self.cells is None:
            raise UsageError("Windows are shown inline in notebooks only.", fix="%xdisplay start")
        inline = self._inline.get(display.id)
        if inline is None:
            from jupyter_xdisplay.kernel.inline.windows import InlineWindows

            self.cells.begin()
            via_server = self._session.host.via_server
            inline = InlineWindows(self.cells, display.known_info, via_server=via_server)
            inline.start()
            self._inline[display.id] = inline
        return inline

    def stop_inline(self, display: Display) -> None:
        """Leave the pictures of the windows of a display where their views were."""
        inline = self._inline.pop(display.id, None)
        if inline is not None:
            inline.stop()
        if not self._inline and self.cells is not None:
            self.cells.close()

    def no_display_left(self) -> None:
        """Put back what `display_is_there` changed."""
        self.background.remove()
        self.interrupts.remove()
        if threading.current_thread() is threading.main_thread():
            self.gui.put_back()
        else:
            self.shell.events.register("pre_run_cell", self._put_back_late)

    def before_stop(self, display: Display, *, last: bool) -> None:
        """Take the last picture, and close this process's own figures on the last display."""
        if self.views is not None:
            self.views.remember(display)
        if (inline := self.inline(display)) is not None:
            inline.remember()
        if last and threading.current_thread() is threading.main_thread():
            figures.close_all()
            self.gui.put_back()

    def after_stop(self, display: Display) -> None:
        """Leave the last picture where the views were."""
        if self.views is not None:
            self.views.end(display)
        self.stop_inline(display)

    def close(self) -> None:
        """Let the shell go."""
        for inline in self._inline.values():
            inline.stop()
        self._inline.clear()
        if self.cells is not None:
            self.cells.close()
        self.shell.events.unregister("pre_run_cell", self._before_cell)
        if self.views is not None:
            self.shell.events.unregister("post_run_cell", self._after_cell)

    def _before_cell(self, *_: Any) -> None:
        """Note which cell begins; notice a display that ended since the last one."""
        self._forget_ended()
        if self._inline and self.cells is not None:
            before, cell = self.cells.latest, self.cells.begin()
            if cell is not before:  # not within a cell that runs another
                for inline in self._inline.values():
                    inline.begin_cell(cell)
        current = self._session.current
        if current is None:
            return
        info = current.info
        if info.state == "running":
            return
        if info.state == "parked":
            figures.close_all()
        self._session.release(current)
        self.stop_inline(current)
        if info.state == "ended" and info.reason != STOPPED:
            what = f"Display {info.name!r} ({info.display}) has ended: {info.reason}"
            print(f"{what} To start a new one: %xdisplay", file=sys.stderr)  # noqa: T201

    def _forget_ended(self) -> None:
        """Let go of displays that ended without a word from here."""
        for key in [key for key, inline in self._inline.items() if inline.is_over]:
            self._inline.pop(key).stop()
            if not self._inline and self.cells is not None:
                self.cells.close()

    def _after_cell(self, *_: Any) -> None:
        """Let this process's figures appear while it is known to which cell they belong."""
        display = self._session.current
        if self.views is None or display is None:
            return
        inline = self.inline(display)
        wanted = self.views.wants_pictures(display)
        if wanted or inline is not None:
            self.gui.pump()
            figures.settle(self._settled)
        if wanted:
            self.views.refresh(display)
        if inline is not None:
            inline.catch_up()
            inline.refresh()

    def _show_here(self) -> None:
        """Show the figure that pyplot draws into under the cell that calls `plt.show()`."""
        title = figures.current_title()
        if title is None or self.cells is None or (cell := self.cells.latest) is None:
            return
        for inline in self._inline.values():
            inline.show_own(title, cell)

    def _own_windows(self) -> int | None:
        """Return how many windows this process has; None where that cannot be known."""
        current = self._session.current
        try:
            windows = current.info_now().windows if current is not None else ()
        except XDisplayError:
            return None
        return sum(window.pid == os.getpid() for window in windows)

    def _can_open_windows(self) -> bool:
        current = self._session.current
        return current is not None and current.info.state == "running"

    def _stop_from_view(self, display: Display) -> None:
        try:
            self._session.stop(display)
        except XDisplayError as error:
            self.shell.log.warning("%s", error)

    def _put_back_late(self, *_: Any) -> None:
        self.shell.events.unregister("pre_run_cell", self._put_back_late)
        if self._session.current is None:
            self.gui.put_back()
