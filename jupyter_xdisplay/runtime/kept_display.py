"""One display that a manager keeps: its sidecar, and the newest that is known of it."""

from __future__ import annotations

import asyncio
import dataclasses
import time

from jupyter_xdisplay.errors import DisplayEnded
from jupyter_xdisplay.latest import Latest
from jupyter_xdisplay.runtime.base import RunningSidecar
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec

WINDOWS_KNOWN = 64
"""Most windows, open or not, that are remembered of a display: the newest."""

IDENTITY = ("id", "name", "socket", "runtime", "container", "kernel_id", "created")
"""What of a display whoever keeps it decides, and its sidecar does not."""

KERNEL_ENDED = (
    "This kernel's own process was connected to that X server and ended with it, as Xlib makes "
    "every program do; Jupyter restarted the kernel, its variables are gone."
)


@dataclasses.dataclass
class KeptDisplay:
    """A display and the task that follows it."""

    sidecar: RunningSidecar
    spec: DisplaySpec
    latest: Latest[DisplayInfo]
    follower: asyncio.Task[None]
    used: float = dataclasses.field(default_factory=time.monotonic)
    windows: dict[tuple[int, int], None] = dataclasses.field(default_factory=dict)
    """Top-level windows that are or were there, each with its process; the newest last."""

    @property
    def info(self) -> DisplayInfo:
        """The display as it was last."""
        return self.latest.value

    @property
    def has_ended(self) -> bool:
        """Whether it is only remembered."""
        return self.info.state == "ended"

    @property
    def client(self) -> SidecarClient:
        """What talks to its sidecar."""
        return SidecarClient(self.info.socket)

    @property
    def living_client(self) -> SidecarClient:
        """The same; raise DisplayEnded when it has ended."""
        if self.has_ended:
            raise DisplayEnded(f"This display has ended. {self.info.reason}", fix=self.info.fix)
        return self.client

    def take(self, info: DisplayInfo) -> DisplayInfo:
        """Take what its sidecar told as the newest; who it is, we know ourselves."""
        for window in info.windows:
            if not window.parent:
                self.windows.pop((window.id, window.pid), None)
                self.windows[window.id, window.pid] = None
        for old in list(self.windows)[:-WINDOWS_KNOWN]:
            del self.windows[old]
        self.latest.set(same_display(info, self.info))
        return self.info

    def mark_ended(self, reason: str) -> None:
        """Remember it as ended."""
        self.latest.set(
            dataclasses.replace(
                self.info,
                state="ended",
                windows=(),
                viewers=0,
                vnc=None,
                reason=reason,
                fix="%xdisplay starts a new one",
            )
        )


def same_display(told: DisplayInfo, known: DisplayInfo) -> DisplayInfo:
    """Return what a sidecar tells, under the identity that its display has here.

    A sidecar in a container may be a program that a kernel has put in its place: it must not name
    another display, nor a socket that we would connect to.
    """
    return dataclasses.replace(told, **{name: getattr(known, name) for name in IDENTITY})


def with_price(info: DisplayInfo, kernel_pid: int | None) -> DisplayInfo:
    """Add what an X server's end did to a kernel that was connected to it (facts 24)."""
    if info.state == "ended" and kernel_pid in info.clients:
        return dataclasses.replace(info, reason=f"{info.reason} {KERNEL_ENDED}")
    return info
