"""GUI event loops of a kernel, as ipykernel calls them between cells.

`EventLoop` mends a race of ipykernel (seen in 6.29 and 7.4): its main loop starts a toolkit's
(blocking) loop 1 ms after a message came, but a request passes through several asyncio tasks
before it is handled. Where that takes longer, the request waits inside the blocked main loop until
another message comes: a cell that seems to run for ever.

`serve_tk` keeps one hidden root window for the life of the process. ipykernel's own makes and
destroys one around every cell: that opens a connection to X each time, and Tcl prints
`invalid command name "…"` into cells that follow each other quickly.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PUMP_INTERVAL_S = 0.01

_loops: dict[str, EventLoop] = {}
_root: Any = None


class EventLoop:
    """An event loop for `ipykernel.eventloops.loop_map`, that waits for requests at work.

    While a cell awaits something, windows are served in passing.

    Parameters
    ----------
    inner
        Serves the toolkit until a message for the kernel arrives.
    pump
        Serves what waits in the toolkit, and returns at once.
    """

    def __init__(self, inner: Any, pump: Callable[[Any], None]) -> None:
        self._inner = inner
        self._pump = pump
        self._pumped = 0.0

    def __call__(self, kernel: Any) -> None:
        """Serve the toolkit; ipykernel calls it again and again."""
        if not _request_at_work(kernel):
            self._inner(kernel)
        elif time.monotonic() - self._pumped > PUMP_INTERVAL_S:
            self._pump(kernel)
            self._pumped = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        # exit_hook, and _schedule_exit where the toolkit has one
        return getattr(self._inner, name)


def install(name: str) -> Callable[[], None]:
    """Register our loop for ipykernel's loop called `name`; return what takes it back."""
    from ipykernel.eventloops import loop_map

    table: dict[str, Any] = loop_map  # type: ignore[assignment]
    before = table.get(name)
    if before is None or isinstance(before, EventLoop):
        return lambda: None
    if name not in _loops:
        inner = serve_tk if name == "tk" else before
        _loops[name] = EventLoop(inner, _PUMPS.get(name, _pump_nothing))
    table[name] = _loops[name]

    def take_back() -> None:
        table[name] = before

    return take_back


def _request_at_work(kernel: Any) -> bool:
    """Tell whether the main loop must go on: a request is being handled, or is on its way.

    On its way means: in the loop's queue of what is ready, as every task is between two steps.
    """
    if getattr(asyncio.get_event_loop(), "_ready", ()):
        return True
    if (lock := getattr(kernel, "_main_asyncio_lock", None)) is not None:  # ipykernel 7
        return bool(lock.locked())
    # ipykernel 6: one task takes requests out of a queue; at rest it waits there.
    return not getattr(getattr(kernel, "msg_queue", None), "_getters", True)


def serve_tk(kernel: Any) -> None:
    """Serve Tk until a message for the kernel arrives."""
    import tkinter as tk

    import zmq

    stream = _shell_stream(kernel)
    if stream.closed():  # the kernel ends
        return
    root = _hidden_root()
    descriptor = stream.getsockopt(zmq.FD)

    def on_message(*_: Any) -> None:
        if stream.closed() or stream.flush(limit=1):
            root.quit()

    root.tk.createfilehandler(descriptor, tk.READABLE, on_message)
    # The descriptor tells of new messages only, not of those that wait already.
    waiting = root.after(0, on_message)
    try:
        root.tk.mainloop()
    finally:
        root.after_cancel(waiting)
        root.tk.deletefilehandler(descriptor)


def _schedule_exit(delay_s: float) -> None:
    if _root is not None:
        _root.after(int(1000 * delay_s), _root.quit)


def _exit_hook(_kernel: Any) -> None:
    if _root is not None:
        _root.quit()


# What ipykernel expects of a loop function
vars(serve_tk).update(_schedule_exit=_schedule_exit, exit_hook=_exit_hook)


def _hidden_root() -> Any:
    global _root  # noqa: PLW0603
    if _root is None:
        import tkinter as tk

        default = getattr(tk, "_default_root", None)
        _root = tk.Tk()
        _root.withdraw()
        if default is None:
            # Not the parent of what user code makes without naming one.
            vars(tk)["_default_root"] = None
    return _root


def hidden_windows() -> int:
    """Return how many main windows of Tk are ours: loops of user code must not wait for them."""
    return int(_root is not None)


def _shell_stream(kernel: Any) -> Any:
    from ipykernel import eventloops

    find = getattr(eventloops, "get_shell_stream", None)
    return find(kernel) if find is not None else kernel.shell_stream


def _pump_tk(_kernel: Any) -> None:
    if _root is not None:
        _root.update()


def _pump_qt(kernel: Any) -> None:
    application = getattr(kernel, "app", None)
    if application is not None:
        application.processEvents()


def _pump_nothing(_kernel: Any) -> None:
    """Leave the windows of other toolkits alone."""


_PUMPS: dict[str, Callable[[Any], None]] = {"tk": _pump_tk, "qt": _pump_qt}
