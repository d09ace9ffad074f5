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
        """Take what its sidecar told as the newest; the sidecar does not know its kernel."""
        for window in info.windows:
            if not window.parent:
                self.windows.pop((window.id, window.pid), None)
                self.windows[window.id, window.pid] = None
        for old in list(self.windows)[:-WINDOWS_KNOWN]:
            del self.windows[old]
        self.latest.set(dataclasses.replace(info, kernel_id=self.info.kernel_id))
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
