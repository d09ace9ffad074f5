"""Our own RFB server as a `Stream` of a sidecar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tornado.iostream import IOStream

from jupyter_xdisplay.errors import DisplayEnded
from jupyter_xdisplay.sidecar.child import Child
from jupyter_xdisplay.sidecar.rfb_server.inputs import Inputs
from jupyter_xdisplay.sidecar.rfb_server.session import RfbSession, Source
from jupyter_xdisplay.sidecar.streams import Serve
from jupyter_xdisplay.sidecar.xserver import XServer
from jupyter_xdisplay.spec import Size


class BuiltinStream:
    """Our own RFB server, in the sidecar's process."""

    why = "builtin: XDamage, MIT-SHM and JPEG in the sidecar itself"

    def __init__(
        self,
        xserver: XServer,
        name: str,
        size: Callable[[], Size],
        resize: Callable[[Size], Awaitable[Any]],
    ) -> None:
        self._xserver = xserver
        self._name = name
        self._size = size
        self._resize = resize
        self._source: Source | None = None
        self._sessions: set[RfbSession] = set()

    @property
    def children(self) -> list[Child]:
        """No program of its own."""
        return []

    async def start(self) -> None:
        """Take the display's keyboard and pointer."""
        if self._source is None:
            where = self._xserver.display, self._xserver.xauthority
            self._source = Source(
                *where, f"{self._name} {where[0]}", self._size, Inputs(*where), self._resize
            )

    async def end(self) -> None:
        """Disconnect the viewers and give the keyboard back."""
        for session in set(self._sessions):
            session.close()
        if self._source is not None:
            self._source.inputs.close()
            self._source = None

    async def open(self, *, view_only: bool) -> Serve:
        """Return a session's `run`."""
        source = self._source
        if source is None:
            raise DisplayEnded("This display is parked.", fix="%xdisplay")

        async def serve(viewer: IOStream) -> None:
            session = RfbSession(viewer, source, view_only=view_only)
            self._sessions.add(session)
            try:
                await session.run()
            finally:
                self._sessions.discard(session)

        return serve

    def viewers(self) -> list[dict[str, Any]]:
        """Return frames and bytes a second, round trip and paths of each viewer."""
        return [session.stats.to_json() for session in self._sessions]
