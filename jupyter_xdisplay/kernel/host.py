"""Who keeps this kernel's displays: the server extension, or a manager inside this process.

`Host` is the seam. `ServerHost` (in `server_host`) speaks HTTP over the server extension's Unix
socket; `LocalHost` (in `local_host`) runs the same `DisplayManager` in a thread of this process.
"""

from __future__ import annotations

import os
import sys
import uuid
from typing import TYPE_CHECKING, NamedTuple, Protocol

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.kernel_protocol import CAPABILITY_VARIABLE, SOCKET_VARIABLE

if TYPE_CHECKING:
    from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec

PROCESS_NAME = uuid.uuid4().hex
"""Widgets live in this process only; by its name the server knows whether they still do."""

STOPPED = "It was stopped."
"""`DisplayInfo.reason` of a display that somebody asked to end."""


class Host(Protocol):
    """Makes, finds and ends the displays of this kernel. All calls block, with a deadline.

    Every method raises an `XDisplayError`: `Unreachable` when the host does not answer, and
    whatever the host met.
    """

    via_server: bool
    """Whether a browser can reach the displays through the Jupyter server."""

    keeper: str
    """Who keeps the displays, in words."""

    is_this_process: bool
    """Whether they end with this process; else a restart finds them again."""

    def create(self, spec: DisplaySpec) -> DisplayInfo:
        """Return the display called `spec.name`, started (or unparked) where it does not run."""
        ...

    def list(self) -> list[DisplayInfo]:
        """Return this kernel's displays, ended ones that were not asked about yet included."""
        ...

    def stop(self, display_id: str, *, force: bool = False) -> DisplayInfo:
        """End a display; return it as it is then: state "ended", or "parked".

        A display that this kernel's own process is connected to is parked: its other programs
        are closed and its RFB server is stopped, but the X server stays until the kernel ends,
        because its end would be the end of this process. With `force` it is ended all the same.
        """
        ...

    def close(self) -> None:
        """Let go: displays that a manager inside this process keeps are ended."""
        ...


class HostChoice(NamedTuple):
    """The host of this process, and what the user has to be told about it (None: nothing)."""

    host: Host
    warning: str | None


def choose_host() -> HostChoice:
    """Take the server extension where this kernel was given one and it answers, else ourselves."""
    from jupyter_xdisplay.kernel.local_host import LocalHost
    from jupyter_xdisplay.kernel.server_host import ServerHost

    socket_path = os.environ.get(SOCKET_VARIABLE)
    capability = os.environ.get(CAPABILITY_VARIABLE)
    if not socket_path or not capability or not _is_kernel():
        return HostChoice(LocalHost(), None)
    host = ServerHost(socket_path, capability)
    try:
        host.list()
    except XDisplayError as error:
        return HostChoice(
            LocalHost(),
            f"The Jupyter server's jupyter_xdisplay extension is not usable ({error.message}) "
            "The display runs inside this kernel instead: its view stands still while a cell "
            "runs. To mend it: restart this kernel.",
        )
    return HostChoice(host, None)


def _is_kernel() -> bool:
    """Tell whether this process runs IPython: a script that a kernel starts is not the kernel."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    if shell is None:
        return False
    # A worker that was forked from a kernel has its shell too.
    session = getattr(getattr(shell, "kernel", None), "session", None)
    return session is None or session.pid == os.getpid()
