"""The displays of one kernel where no server extension keeps them: nbconvert, papermill.

The same manager and the same socket as in a server, in the process that launched the kernel. No
browser can reach them there, so views come through the kernel's comm.
"""

from __future__ import annotations

from traitlets.config import LoggingConfigurable

from jupyter_xdisplay.kernel_protocol import VIEWS_BY_COMM, VIEWS_VARIABLE
from jupyter_xdisplay.runtime.base import Runtime
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.server.kernel_socket import KernelSocket
from jupyter_xdisplay.server.launching import launch_environment


class OwnDisplays:
    """A manager and its socket, for one kernel.

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
        self._socket.listen()

    async def environment(self, runtime: Runtime) -> dict[str, str]:
        """Return what the kernel gets at its launch; its first display runs then."""
        environment = await launch_environment(
            self._manager, self._socket, self._kernel_id, runtime=runtime, with_display=True
        )
        return {**environment, VIEWS_VARIABLE: VIEWS_BY_COMM}

    async def close(self) -> None:
        """End the displays."""
        await self._manager.close()
        self._socket.close()
