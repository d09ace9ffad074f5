"""GUI event loops of a kernel, as ipykernel calls them between cells.

`EventLoop` mends a race of ipykernel (seen in 6.29 and 7.4): its main loop starts a toolkit's
(blocking) loop 1 ms after a message came, but a request passes through several asyncio tasks
before it is handled. Where that takes longer, the request waits inside the blocked main loop until
another message comes: a cell that seems to run for ever.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.kernel.gui import services

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_xdisplay.kernel.gui.services import Service

PUMP_INTERVAL_S = 0.01

_SERVICES: dict[str, Service] = {
    "tk": services.TK,
    "qt": services.QT,
    "gtk3": services.GTK,
    "wx": services.WX,
}
"""Loops of ours in place of ipykernel's, by its name for them."""

_loops: dict[str, EventLoop] = {}


class EventLoop:
    """An event loop for `ipykernel.eventloops.loop_map`, that waits for requests at work.

    While a cell awaits something, windows are served in passing.

    Parameters
    ----------
    service
        Serves the toolkit.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pumped = 0.0

    def __call__(self, kernel: Any) -> None:
        """Serve the toolkit; ipykernel calls it again and again."""
        if not services.request_at_work(kernel):
            self._service(kernel)
        elif time.monotonic() - self._pumped > PUMP_INTERVAL_S:
            self._service.pump(kernel)
            self._pumped = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)  # exit_hook, _schedule_exit


def install(name: str) -> Callable[[], None]:
    """Register our loop for ipykernel's loop called `name`; return what takes it back."""
    from ipykernel.eventloops import loop_map

    table: dict[str, Any] = loop_map  # type: ignore[assignment]
    before = table.get(name)
    if before is None or isinstance(before, EventLoop):
        return lambda: None
    if name not in _loops:
        _loops[name] = EventLoop(_SERVICES[name])
    table[name] = _loops[name]

    def take_back() -> None:
        table[name] = before

    return take_back


def pump(name: str, kernel: Any) -> None:
    """Serve what waits in the toolkit of ipykernel's loop called `name`, and return at once."""
    _SERVICES[name].pump(kernel)
