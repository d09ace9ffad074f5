"""The thread that watches windows, from the sidecar's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_xdisplay.spec import WindowInfo

if TYPE_CHECKING:
    from jupyter_xdisplay.sidecar.xserver import XServer
    from jupyter_xdisplay.x11.windows import WindowWatcher

    Changed = Callable[[tuple[WindowInfo, ...], tuple[int, ...]], None]

SETTLED_S = 1.0
"""A program that has grabbed the X server holds up the window manager: then not waited for."""


def watch(xserver: XServer, changed: Changed) -> WindowWatcher:
    """Start to watch; `changed` is called in this loop, see `WindowWatcher`."""
    from jupyter_xdisplay.x11.windows import WindowWatcher

    loop = asyncio.get_running_loop()

    def tell(windows: tuple[WindowInfo, ...], clients: tuple[int, ...]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(changed, windows, clients)

    watcher = WindowWatcher(xserver.display, xserver.xauthority, xserver.child.pid, tell)
    watcher.start()
    return watcher


async def settle(watcher: WindowWatcher) -> None:
    """Wait until this loop was told of all windows that programs have mapped so far."""
    loop = asyncio.get_running_loop()
    settled = asyncio.Event()

    def done() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settled.set)

    watcher.settle(done)
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(settled.wait(), SETTLED_S)
