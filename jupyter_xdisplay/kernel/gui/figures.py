"""matplotlib's figures while its backend changes. Nothing here imports matplotlib itself."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from weakref import WeakSet

SETTLE_S = 0.02
SETTLE_ATTEMPTS = 15


def pyplot() -> Any | None:
    """Return `matplotlib.pyplot` where it is imported (and usable), else None."""
    module = sys.modules.get("matplotlib.pyplot")
    return module if hasattr(module, "switch_backend") else None


def _gcf() -> Any:
    from matplotlib._pylab_helpers import Gcf

    return Gcf


def managers() -> list[Any]:
    """Return the managers of all open figures."""
    if pyplot() is None:
        return []
    return list(_gcf().get_all_fig_managers())


def gui_of(manager: Any) -> str | None:
    """Return the GUI framework that a figure's window belongs to ("tk", "qt", …), or None."""
    framework: str | None = manager.canvas.required_interactive_framework
    return framework


def close_all() -> None:
    """Close all figures that have a window."""
    close([manager for manager in managers() if gui_of(manager) is not None])


def close(these: list[Any]) -> None:
    """Close figures, by their managers."""
    plt = pyplot()
    for manager in these:
        if plt is not None:
            # First what waits: Tk complains about drawing that comes due in a closed window.
            flush(manager)
            plt.close(manager.num)


def current_title() -> str | None:
    """Return the title of the window that pyplot draws into; None where there is none."""
    manager = _gcf().get_active() if pyplot() is not None else None
    if manager is None or gui_of(manager) is None:
        return None
    title: str | None = manager.get_window_title()
    return title


def flush(manager: Any) -> None:
    """Let a figure's toolkit handle what waits (drawing, closing)."""
    try:
        manager.canvas.flush_events()
    except Exception:  # noqa: BLE001
        # A window that is half gone: each toolkit raises its own error, none matters here.
        return


def settle(known: WeakSet[Any]) -> None:
    """Draw what waits, and give windows that are not in `known` time to appear; note them there."""
    windows = [manager for manager in managers() if gui_of(manager) is not None]
    fresh = [manager for manager in windows if manager not in known]
    for attempt in range(SETTLE_ATTEMPTS if fresh else 1):
        if attempt:
            time.sleep(SETTLE_S)
        for manager in windows:
            flush(manager)
    known.update(fresh)


def adopt_all() -> None:
    """Give every open figure a manager of the current backend, so that it stays usable.

    Without it a figure made before the switch has no window, or one that nobody serves.
    """
    plt = pyplot()
    if plt is None:
        return
    gcf = _gcf()
    backend = plt._get_backend_mod()  # noqa: SLF001
    active = gcf.get_active()
    framework = getattr(backend.FigureCanvas, "required_interactive_framework", None)
    for old in managers():
        if gui_of(old) == framework:
            continue
        figure, number = old.canvas.figure, old.num
        if gui_of(old) is not None:
            flush(old)
        gcf.destroy(old)
        # Private, but what pyplot itself does with a new manager; matplotlib 3.3 to 3.11.
        gcf._set_new_active_manager(  # noqa: SLF001
            backend.new_figure_manager_given_figure(number, figure)
        )
    if active is not None and active.num in gcf.figs:
        gcf.set_active(gcf.figs[active.num])


def show_in_tk(
    wrapped: Callable[..., Any], manager: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Show a figure of Tk now (`FigureManagerTk.show`): shown later, the newest comes first."""
    shown = wrapped(*args, **kwargs)
    manager.window.update_idletasks()
    return shown


def show_all(
    before: Callable[[], None],
    wrapped: Callable[..., Any],
    _instance: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Show all figures (`matplotlib.pyplot.show`), after `before` was called."""
    before()
    return wrapped(*args, **kwargs)
