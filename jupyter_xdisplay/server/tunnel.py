"""WebSockets for views: the RFB stream, carried and never parsed, and the display's events."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_xdisplay.errors import DisplayEnded, DisplayNotFound, WindowNotFound, XDisplayError
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.server.handlers import RESOURCE
from jupyter_xdisplay.sidecar.client import open_rfb

CHUNK_BYTES = 256 * 1024
CLOSE_GONE = 4404
CLOSE_FAILED = 4500
WINDOW_PATTERN = re.compile("[0-9]{1,10}")
"""`WindowInfo.id` in an address."""

REASON_MAX_BYTES = 120
"""A close frame holds 125 bytes with its code (RFC 6455, 5.5)."""


class DisplaySocket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """Base: a WebSocket about one display, behind Jupyter's login, authorizer and origin check."""

    auth_resource = RESOURCE

    @property
    def displays(self) -> DisplayManager:
        """The manager."""
        manager: DisplayManager = self.settings["xdisplay_manager"]
        return manager

    def get_compression_options(self) -> None:
        """Do not compress: RFB is compressed already."""
        return

    @ws_authenticated
    async def get(self, display_id: str) -> None:
        """Upgrade for who may look at displays."""
        user = self.current_user
        if not await ensure_async(self.authorizer.is_authorized(self, user, "execute", RESOURCE)):
            raise HTTPError(403)
        await super().get(display_id)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Take `binary`, which older RFB viewers ask for."""
        return "binary" if "binary" in subprotocols else None

    def close_with(self, error: XDisplayError) -> None:
        """Close, saying why in a few words; the rest is told by REST."""
        gone = isinstance(error, (DisplayNotFound, DisplayEnded, WindowNotFound))
        reason = error.message.encode()[:REASON_MAX_BYTES].decode("utf-8", "ignore")
        self.close(CLOSE_GONE if gone else CLOSE_FAILED, reason)


class RfbTunnel(DisplaySocket):
    """One viewer's RFB stream, of the screen or (`?window=ID`) of one top-level window."""

    _stream: IOStream | None = None
    _carrier: asyncio.Task[None] | None = None

    async def open(self, display_id: str) -> None:
        """Connect to the display's RFB server; `?view_only=1` takes no input."""
        super().open(display_id)
        self.set_nodelay(True)
        try:
            info = self.displays.get(display_id)
            if info.state == "ended":
                raise DisplayEnded(info.reason or "It has ended.")
            view_only = self.get_query_argument("view_only", "0") == "1"
            self._stream = await open_rfb(info.socket, self._window(), view_only=view_only)
        except XDisplayError as error:
            self.close_with(error)
            return
        self._carrier = asyncio.create_task(self._to_viewer(self._stream))

    def _window(self) -> int:
        """Return which window is asked for, 0 for the screen."""
        text = self.get_query_argument("window", "0")
        if WINDOW_PATTERN.fullmatch(text) is None:
            raise WindowNotFound(f"{text!r} is no window's number.")
        return int(text)

    async def on_message(self, message: str | bytes) -> None:
        """Carry input to the RFB server; tornado waits for it before the next (backpressure)."""
        if self._stream is None or not isinstance(message, bytes):
            return
        try:
            await self._stream.write(message)
        except StreamClosedError:
            self.close()

    def on_close(self) -> None:
        """Let the stream go with its viewer."""
        if self._carrier is not None:
            self._carrier.cancel()
        if self._stream is not None:
            self._stream.close()

    async def _to_viewer(self, stream: IOStream) -> None:
        """Carry pixels; each write waits until the viewer's socket took it (backpressure)."""
        try:
            while True:
                data = await stream.read_bytes(CHUNK_BYTES, partial=True)
                await self.write_message(data, binary=True)
        except (StreamClosedError, WebSocketClosedError):
            self.close()


class EventsSocket(DisplaySocket):
    """The display's state as JSON, now and at every change."""

    _teller: asyncio.Task[None] | None = None

    def open(self, display_id: str) -> None:
        """Start telling."""
        super().open(display_id)
        self._teller = asyncio.create_task(self._tell(display_id))

    def on_message(self, message: Any) -> None:
        """Take nothing: this socket only tells."""

    def on_close(self) -> None:
        """Stop telling."""
        if self._teller is not None:
            self._teller.cancel()

    async def _tell(self, display_id: str) -> None:
        try:
            async for info in self.displays.watch(display_id):
                await self.write_message(json.dumps(info.to_json()))
            self.close(1000)
        except XDisplayError as error:
            self.close_with(error)
        except WebSocketClosedError:
            return


_ID = r"xdisplay/api/displays/([0-9a-f]{12})"
TUNNELS: list[tuple[str, Any]] = [
    (_ID + r"/rfb", RfbTunnel),
    (_ID + r"/events", EventsSocket),
]
