"""The displays of one kernel where no server extension keeps them: nbconvert, papermill, consoles.

The same manager and the same socket as in a server, in the process that launched the kernel. No
browser can reach them there, so views come through the kernel's comm.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from traitlets.config import LoggingConfigurable

from jupyter_xdisplay.kernel_protocol import VIEWS_BY_COMM, VIEWS_VARIABLE
from jupyter_xdisplay.runtime.base import Runtime
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.server.kernel_socket import KernelSocket
from jupyter_xdisplay.server.launching import launch_environment

T = TypeVar("T")


class OwnDisplays:
    """A manager and its socket, for one kernel.

    They have an event loop of their own, in a thread: that of the launcher may stand still
    between its calls (`jupyter console`), while the kernel asks.

    Parameters
    ----------
    parent
        Whose configuration and log they have.
    kernel_id
        The kernel.
    """

    def __init__(self, parent: LoggingConfigurable, kernel_id: str) -> None:
        self._kernel_id = kernel_id
        self._manager = DisplayManager(parent=parent)
        self._socket = KernelSocket(self._manager)
        self._is_listening = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name=f"displays of {kernel_id}", daemon=True
        )
        self._thread.start()

    async def environment(self, runtime: Runtime) -> dict[str, str]:
        """Return what the kernel gets at its launch; its first display runs then."""
        return await self._do(self._environment(runtime))

    async def close(self) -> None:
        """End the displays."""
        try:
            await self._do(self._close())
        finally:
            await self._do(_cancel_others())
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join)
            self._loop.close()

    async def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(what, self._loop))

    async def _environment(self, runtime: Runtime) -> dict[str, str]:
        if not self._is_listening:
            self._is_listening = True
            self._socket.listen()
        environment = await launch_environment(
            self._manager, self._socket, self._kernel_id, runtime=runtime, with_display=True
        )
        return {**environment, VIEWS_VARIABLE: VIEWS_BY_COMM}

    async def _close(self) -> None:
        try:
            await self._manager.close()
        finally:
            self._socket.close()


async def _cancel_others() -> None:
    """Cancel what still runs in this loop: connections of a kernel that is gone."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
