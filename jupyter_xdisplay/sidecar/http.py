"""What the sidecar answers on its Unix socket: HTTP, and RFB after an upgrade (RFC 9110, 7.8).

========================  ======================================================================
``GET /info``             `DisplayInfo` as JSON
``GET /events``           `DisplayInfo` as JSON lines: now and at every change, until it ended
``GET /screenshot``       the screen as PNG
``POST /resize``          ``{"size": "1280x720"}`` → `DisplayInfo`
``POST /clear``           ``{"keep": [pid, …]}``: closes the windows of all other programs
``POST /park|unpark``     ``{"keep": [pid, …]}`` → `DisplayInfo`
``POST /stop``            ends the sidecar
``POST /follow``          keeps what covered windows draw, and the last picture of each that closes
``GET /viewers``          a list of `ViewerInfo` as JSON
``POST /vnc``             `VncRequest` → `VncAccess`: opens a VNC port
``DELETE /vnc``           closes it → `DisplayInfo`
``GET /rfb``              ``Upgrade: rfb`` → 101, then RFB (RFC 6143) both ways; of one window
                          with ``?window=ID``, to look only with ``?view_only=1``
``GET /windows/ID``       that window, its dialogs and pop-ups as PNG; of one that has closed the
                          last picture, if windows were followed; with ``?pid=PID`` that
                          process's, where the X server gave an id twice
``POST /windows/ID``      ``{"size": "640x480"}`` asks its program for that size
``DELETE /windows/ID``    asks its program to close it; ``?force=1`` ends the program, unless it
                          is one of ``{"keep": [pid, …]}``
========================  ======================================================================

An upgrade and not a WebSocket: the stream then costs no framing or masking on this hop, and it
passes through anything that carries bytes.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import bind_unix_socket
from tornado.web import Application

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.json_handler import JSONHandler
from jupyter_xdisplay.sidecar.program import Sidecar
from jupyter_xdisplay.sidecar.vnc_access import VncRequest
from jupyter_xdisplay.spec import parse_size

MAX_BODY_BYTES = 64 * 1024


def serve(sidecar: Sidecar) -> HTTPServer:
    """Listen on the sidecar's socket, which only this user can open (0600 in 0700)."""
    routes = [
        (r"/info", InfoHandler),
        (r"/events", EventsHandler),
        (r"/screenshot", ScreenshotHandler),
        (r"/(resize|clear|park|unpark|stop|follow)", ActionHandler),
        (r"/viewers", ViewersHandler),
        (r"/vnc", VncHandler),
        (r"/rfb", RfbHandler),
        (r"/windows/([0-9]{1,10})", WindowHandler),
    ]
    application = Application(
        [(path, kind, {"sidecar": sidecar}) for path, kind in routes],
        log_function=lambda _: None,
    )
    server = HTTPServer(application, max_body_size=MAX_BODY_BYTES)
    server.add_socket(bind_unix_socket(str(sidecar.socket), mode=0o600))
    return server


class SidecarHandler(JSONHandler):
    """Base of all handlers here."""

    def initialize(self, sidecar: Sidecar) -> None:
        """Take the sidecar to speak for."""
        self.sidecar = sidecar


class InfoHandler(SidecarHandler):
    """The display now."""

    async def get(self) -> None:
        """Answer with it; with `?settled=1` once all windows mapped so far are known."""
        if self.get_query_argument("settled", "0") == "1":
            self.answer(await self.sidecar.settle())
        else:
            self.answer(await self.sidecar.refresh())


class EventsHandler(SidecarHandler):
    """The display at every change, as long as the client stays."""

    async def get(self) -> None:
        """Stream JSON lines."""
        self.set_header("Content-Type", "application/x-ndjson")
        self._watching = asyncio.create_task(self._stream())
        await asyncio.gather(self._watching, return_exceptions=True)

    def on_connection_close(self) -> None:
        """Forget the client."""
        self._watching.cancel()

    async def _stream(self) -> None:
        async for info in self.sidecar.info.watch():
            self.write(json.dumps(info.to_json()) + "\n")
            await self.flush()


class ViewersHandler(SidecarHandler):
    """What each viewer gets."""

    def get(self) -> None:
        """Answer with a list of figures."""
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(self.sidecar.viewing.viewers()))


class VncHandler(SidecarHandler):
    """The VNC port."""

    async def post(self) -> None:
        """Open it and answer with what somebody needs to connect; only here is the password."""
        access = await self.sidecar.viewing.open_vnc(VncRequest.from_json(self.json_object()))
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(access.to_json()))

    async def delete(self) -> None:
        """Close it and answer with the display."""
        await self.sidecar.viewing.close_vnc()
        self.answer(self.sidecar.info.value)


class ScreenshotHandler(SidecarHandler):
    """The screen as a picture."""

    async def get(self) -> None:
        """Answer with a PNG."""
        picture = await self.sidecar.screenshot()
        self.set_header("Content-Type", "image/png")
        self.finish(picture)


class ActionHandler(SidecarHandler):
    """What can be done to the display."""

    async def post(self, action: str) -> None:
        """Do it and answer with the display as it is then."""
        body = self.json_object()
        if action == "resize":
            await self.sidecar.resize(parse_size(str(body.get("size", ""))))
        elif action == "clear":
            await self.sidecar.clear(_pids(body))
        elif action == "park":
            await self.sidecar.park(_pids(body))
        elif action == "unpark":
            await self.sidecar.unpark()
        elif action == "follow":
            await self.sidecar.follow_windows()
        else:
            asyncio.get_running_loop().call_soon(asyncio.ensure_future, self.sidecar.end())
        self.answer(self.sidecar.info.value)


class WindowHandler(SidecarHandler):
    """One top-level window."""

    async def get(self, window: str) -> None:
        """Answer with a PNG."""
        pid = self.number_argument("pid")
        picture = await self.sidecar.single_windows.screenshot(int(window), pid)
        self.set_header("Content-Type", "image/png")
        self.finish(picture)

    async def post(self, window: str) -> None:
        """Ask for another size."""
        size = parse_size(str(self.json_object().get("size", "")))
        await self.sidecar.single_windows.resize(int(window), size)
        self.answer(self.sidecar.info.value)

    async def delete(self, window: str) -> None:
        """Ask the program to close it; `?force=1` ends the program."""
        if self.get_query_argument("force", "0") == "1":
            keep = _pids(self.json_object())
            await self.sidecar.single_windows.end_program(int(window), keep)
        else:
            await self.sidecar.single_windows.close(int(window))
        self.answer(self.sidecar.info.value)


class RfbHandler(SidecarHandler):
    """One viewer's RFB stream."""

    async def get(self) -> None:
        """Switch protocols and carry bytes until either side closes."""
        if self.request.headers.get("Upgrade", "").lower() != "rfb":
            self.set_status(426)
            self.set_header("Upgrade", "rfb")
            self.finish(UsageError("Ask with 'Upgrade: rfb'.").to_json())
            return
        view_only = self.get_query_argument("view_only", "0") == "1"
        window = self.number_argument("window")
        serve = await self.sidecar.viewing.open(view_only=view_only, window=window)
        viewer: IOStream = self.detach()
        self.sidecar.viewers_changed(+1)
        try:
            await viewer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: rfb\r\n\r\n"
            )
            await serve(viewer)
        except (StreamClosedError, OSError):
            pass
        finally:
            viewer.close()
            self.sidecar.viewers_changed(-1)


def _pids(body: dict[str, Any]) -> list[int]:
    keep = body.get("keep", [])
    if not isinstance(keep, list) or not all(isinstance(pid, int) for pid in keep):
        raise UsageError("'keep' is not a list of process ids.")
    return keep
