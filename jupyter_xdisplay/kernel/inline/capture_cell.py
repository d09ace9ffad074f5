"""`%%xdisplay capture`: runs a cell and leaves pictures of the windows that it opened."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_xdisplay.kernel.gui import figures
from jupyter_xdisplay.kernel.outputs import bundle, describe
from jupyter_xdisplay.png import is_single_colour

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_xdisplay.kernel.inline.windows import InlineWindows
    from jupyter_xdisplay.kernel.shell import ShellParts
    from jupyter_xdisplay.spec import WindowInfo

APPEAR_S = 2.0
"""How long programs that the cell started have to open a window, and windows to draw."""

MORE_S = 0.5
"""How long after a window another one may come."""

POLL_S = 0.05


def capture(shell: ShellParts, inline: InlineWindows, source: str, wait_s: float | None) -> None:
    """Run `source` as a cell; show a picture of each window that opened, in place of views.

    The cell's figures are closed then, as matplotlib's inline backend does: pyplot would draw what
    the next cell plots into windows that have been pictured already.

    Parameters
    ----------
    wait_s
        Seconds between the end of the cell and the pictures; None: until no more windows come, and
        until each shows something, at most `APPEAR_S`.

    Raises
    ------
    BaseException
        What the cell raised; its traceback is shown already.
    """
    from IPython.display import display as publish

    before = figures.managers()
    with inline.capturing() as windows:
        result = shell.shell.run_cell(source)
        if wait_s is not None:
            _serve(inline, time.monotonic() + wait_s, lambda: False)
        else:
            _serve(inline, time.monotonic() + APPEAR_S, _Complete(windows))
    end = time.monotonic() + (APPEAR_S if wait_s is None else 0.0)
    for window in windows:
        png = _picture(inline, window, end)
        if png is not None:
            publish(bundle(describe(window), png, None), raw=True)
    figures.close([manager for manager in figures.managers() if manager not in before])
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        error._render_traceback_ = list
        raise error


class _Complete:
    """Tells whether there are windows, and none came for a while."""

    def __init__(self, windows: list[WindowInfo]) -> None:
        self._windows = windows
        self._count = 0
        self._since = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if len(self._windows) != self._count:
            self._count, self._since = len(self._windows), now
        return self._count > 0 and now - self._since > MORE_S


def _picture(inline: InlineWindows, window: WindowInfo, end_s: float) -> bytes | None:
    """Return a window as PNG, as soon as it shows something, else as it is at the end."""
    taken: list[bytes | None] = []

    def shows() -> bool:
        taken.append(inline.picture(window))
        return taken[-1] is None or not is_single_colour(taken[-1])

    _serve(inline, end_s, shows)
    return taken[-1]


def _serve(inline: InlineWindows, end_s: float, done: Callable[[], bool]) -> None:
    """Wait, while this process's own windows draw."""
    while not done() and time.monotonic() < end_s:
        for manager in figures.managers():
            figures.flush(manager)
        inline.catch_up()
        time.sleep(POLL_S)
