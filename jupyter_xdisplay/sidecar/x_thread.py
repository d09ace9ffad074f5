"""X requests beside the event loop: a program that grabs the server must not stop the sidecar."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from jupyter_xdisplay.errors import DisplayEnded, Unreachable, XDisplayError
from jupyter_xdisplay.sidecar.child import Child

T = TypeVar("T")

X_DEADLINE_S = 5.0


class XThread:
    """One thread for all X requests of the supervisor, in their order.

    Parameters
    ----------
    xserver
        The process that answers them.
    """

    def __init__(self, xserver: Child) -> None:
        self._xserver = xserver
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="x11")

    async def run(self, work: Callable[[], T], deadline_s: float = X_DEADLINE_S) -> T:
        """Return what `work` returns.

        Raises
        ------
        Unreachable
            When the X server does not answer within `deadline_s` seconds.
        DisplayEnded
            When it is gone.
        XDisplayError
            What `work` raises.
        """
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wait_for(loop.run_in_executor(self._thread, work), deadline_s)
        except asyncio.TimeoutError as error:
            raise Unreachable(
                f"The X server did not answer within {deadline_s:.0f} s: "
                "a program may have grabbed it.",
                fix="end that program, or %xdisplay stop --force and %xdisplay",
            ) from error
        except XDisplayError:
            raise
        except Exception as error:
            import xcffib

            if self._xserver.running and not isinstance(error, xcffib.ConnectionException):
                raise
            raise DisplayEnded("The X server is gone.", fix="%xdisplay starts a new one") from error

    def end(self) -> None:
        """Take no more work; what hangs is left behind, and ends with the process."""
        self._thread.shutdown(wait=False, cancel_futures=True)
