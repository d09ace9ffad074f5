"""The host in this process: the same `DisplayManager`, in a thread with its own event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_xdisplay.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from jupyter_xdisplay.runtime.manager import DisplayManager
    from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec

T = TypeVar("T")

CALL_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 10.0


class LocalHost:
    """Displays that this process keeps and that end with it (`kernel.host.Host`).

    The thread is a daemon: it never keeps a finished script alive. Displays are ended by
    `close`, and by their sidecars when this process is gone, however it ended.
    """

    via_server = False
    keeper = "this process"
    is_this_process = True

    def __init__(self) -> None:
        self._owner_pid = os.getpid()
        self._kernel_id = f"pid-{self._owner_pid}"
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._manager: DisplayManager | None = None

    def create(self, spec: DisplaySpec) -> DisplayInfo:
        """Return the display called `spec.name`, started (or unparked) where it does not run."""
        return self._call(lambda manager: manager.create(spec, self._kernel_id))

    def list(self) -> list[DisplayInfo]:
        """Return this process's displays."""
        if self._manager is None:
            return []
        return self._call(lambda manager: _list(manager, self._kernel_id))

    def stop(self, display_id: str, *, force: bool = False) -> DisplayInfo:
        """End (or park) a display; return it as it is then."""
        return self._call(lambda manager: manager.stop(display_id, force=force))

    def close(self) -> None:
        """End all displays. A process that was forked from the owner ends nothing."""
        with self._lock:
            manager, loop = self._manager, self._loop
            self._manager = self._loop = None
        if manager is None or loop is None or os.getpid() != self._owner_pid:
            return
        try:
            self._run(loop, manager.close(), CLOSE_TIMEOUT_S)
        finally:
            loop.call_soon_threadsafe(loop.stop)

    def _call(self, ask: Callable[[DisplayManager], Coroutine[Any, Any, T]]) -> T:
        if os.getpid() != self._owner_pid:
            # The thread with the loop did not come along into the forked child.
            raise Unreachable("The displays of a parent process cannot be managed from its child.")
        loop, manager = self._started()
        return self._run(loop, ask(manager), CALL_TIMEOUT_S)

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result(timeout_s)
        except concurrent.futures.TimeoutError as error:
            if future.done():  # the work itself timed out: its own words
                raise
            future.cancel()
            raise Unreachable(f"The display did not answer within {timeout_s:.0f} s.") from error
        except KeyboardInterrupt:
            future.cancel()
            raise

    def _started(self) -> tuple[asyncio.AbstractEventLoop, DisplayManager]:
        with self._lock:
            if self._manager is None or self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._loop.run_forever, name="xdisplay-manager", daemon=True
                ).start()
                self._manager = self._run(
                    self._loop, _make_manager(self._kernel_id, self._owner_pid), CALL_TIMEOUT_S
                )
            return self._loop, self._manager


async def _make_manager(kernel_id: str, pid: int) -> DisplayManager:
    # Made inside the loop that serves it; the import is slow and only needed here.
    from jupyter_xdisplay.runtime.manager import DisplayManager

    manager = DisplayManager()
    manager.kernel_pids[kernel_id] = pid
    return manager


async def _list(manager: DisplayManager, kernel_id: str) -> list[DisplayInfo]:
    return manager.list_displays(kernel_id)
