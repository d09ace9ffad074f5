"""GUI event loops of a kernel, as ipykernel calls them between cells.

`EventLoop` mends a race of ipykernel (seen in 6.29 and 7.4): its main loop starts a toolkit's
(blocking) loop 1 ms after a message came, but a request passes through several asyncio tasks
before it is handled. Where that takes longer, the request waits inside the blocked main loop until
another message comes: a cell that seems to run for ever.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.kernel.gui import services

if TYPE_CHECKING:
    from collections.abc import Callable

PUMP_INTERVAL_S = 0.01

_SERVICES = {"tk": services.TK, "gtk3": services.GTK, "wx": services.WX}
"""Loops of ours in place of ipykernel's, by its name for them."""

_loops: dict[str, EventLoop] = {}


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
        service = _SERVICES.get(name)
        _loops[name] = EventLoop(service or before, service.pump if service else _pump_qt)
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


def _pump_qt(kernel: Any) -> None:
    application = getattr(kernel, "app", None)
    if application is not None:
        application.processEvents()
