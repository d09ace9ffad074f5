"""Our own RFB server as a `Stream` of a sidecar."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tornado.iostream import IOStream

from jupyter_xdisplay.errors import DisplayEnded, WindowNotFound
from jupyter_xdisplay.sidecar.child import Child
from jupyter_xdisplay.sidecar.rfb_server.inputs import Inputs
from jupyter_xdisplay.sidecar.rfb_server.resizes import Resizes
from jupyter_xdisplay.sidecar.rfb_server.selections import Selections
from jupyter_xdisplay.sidecar.rfb_server.session import RfbSession
from jupyter_xdisplay.sidecar.rfb_server.source import Source
from jupyter_xdisplay.sidecar.streams import Serve
from jupyter_xdisplay.sidecar.xserver import XServer
from jupyter_xdisplay.spec import Size, WindowInfo

ENDED_S = 1.5
"""How long `end` waits for the threads: a grabbed X server may hold them up."""

POLL_S = 0.01


class BuiltinStream:
    """Our own RFB server, in the sidecar's process."""

    why = "builtin: XDamage, MIT-SHM and JPEG in the sidecar itself"

    def __init__(
        self,
        xserver: XServer,
        name: str,
        size: Callable[[], Size],
        resize: Callable[[Size], Awaitable[Any]],
        resize_window: Callable[[int, Size], Awaitable[Any]],
    ) -> None:
        self._xserver = xserver
        self._name = name
        self._size = size
        self._resize = resize
        self._resize_window = resize_window
        self._windows: dict[int, WindowInfo] = {}
        self._source: Source | None = None
        self._sessions: set[RfbSession] = set()

    @property
    def children(self) -> list[Child]:
        """No program of its own."""
        return []

    @property
    def source(self) -> Source | None:
        """What its sessions look at, for those of the VNC port; None while it does not serve."""
        return self._source

    async def start(self) -> None:
        """Take the display's keyboard, pointer and clipboard."""
        if self._source is None:
            where = self._xserver.display, self._xserver.xauthority
            self._source = Source(
                *where,
                name=f"{self._name} {where[0]}",
                screen=self._size,
                size=self._size,
                inputs=Inputs(*where),
                selections=Selections(*where),
                resizes=Resizes(self._size, self._resize),
            )

    async def end(self) -> None:
        """Disconnect the viewers, give the keyboard back, and wait until no thread is left."""
        source, self._source = self._source, None
        if source is None:
            return
        threads: list[threading.Thread] = [source.inputs.thread, source.selections.thread]
        for session in set(self._sessions):
            threads += [session.thread] if session.thread is not None else []
            session.close()
        source.inputs.close()
        source.selections.close()
        until_s = time.monotonic() + ENDED_S
        while (  # noqa: ASYNC110 - threads do not tell a loop that they ended
            any(thread.is_alive() for thread in threads) and time.monotonic() < until_s
        ):
            await asyncio.sleep(POLL_S)

    async def open(self, *, view_only: bool, window: int = 0) -> Serve:
        """Return a session's `run`, of the screen or of one top-level window."""
        source = self._source
        if source is None:
            raise DisplayEnded("This display is parked.", fix="%xdisplay")
        if window:
            source = self._of_window(source, window)

        async def serve(viewer: IOStream) -> None:
            session = RfbSession(viewer, source, view_only=view_only)
            self._sessions.add(session)
            try:
                await session.run()
            finally:
                self._sessions.discard(session)

        return serve

    def set_windows(self, windows: Sequence[WindowInfo]) -> None:
        """Take the top-level windows that there are: views of others end, titles are told."""
        before, self._windows = self._windows, {window.id: window for window in windows}
        for session in set(self._sessions):
            if not session.window:
                continue
            now, then = self._windows.get(session.window), before.get(session.window)
            if now is None:
                session.close()
            elif then is None or now.title != then.title:
                session.set_name(now.title)

    def _of_window(self, source: Source, window: int) -> Source:
        def size() -> Size:
            found = self._windows.get(window)
            return Size(found.width, found.height) if found else Size(1, 1)

        known = self._windows.get(window)
        if known is None:
            raise WindowNotFound(f"There is no window {window:#x} on this display any more.")
        return source.of_window(
            window, known.title, size, lambda size: self._resize_window(window, size)
        )

    def viewers(self) -> list[dict[str, Any]]:
        """Return the figures of each viewer, see `Stats.to_json`."""
        return [session.stats.to_json() for session in self._sessions]
