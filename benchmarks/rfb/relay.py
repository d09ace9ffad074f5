"""`python -m benchmarks.rfb.relay SOCKET`: stock noVNC on a bare page, and its WebSocket.

For the peers what our server extension is for us: it carries bytes by the same means. Prints
`ready` and then its port.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

NOVNC = Path(__file__).parents[2] / "labextension/node_modules/@novnc/novnc"
CHUNK_BYTES = 256 * 1024
QUALITY_LEVEL = 6
"""JPEG quality level of all viewers: noVNC's own and our view's (`at_browser` checks that)."""

HALF_COLOURS = -767
"""Pseudo-encoding: JPEG with half the resolution of colours each way (4:2:0, TurboVNC's "4X").

Our server always does that while something moves. TigerVNC and x11vnc do it for viewers that ask,
which noVNC does not: they would send better and slower pictures.
"""

MORE_ENCODINGS: tuple[int, ...] = (HALF_COLOURS,)
"""What viewers at a socket offer beside the quality level. In the browser peers have stock noVNC,
which never asks for half the resolution of colours; our server sends it, as what rests is exact."""

PAGE = f"""<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<style>body {{ margin: 0 }} #screen {{ width: 100vw; height: 100vh }}</style>
<div id="screen"></div>
<script type="module">
  import RFB from './novnc/core/rfb.js';
  const rfb = new RFB(document.getElementById('screen'), 'ws://' + location.host + '/rfb');
  rfb.qualityLevel = {QUALITY_LEVEL};
  rfb.addEventListener('connect', () => {{ document.body.dataset.state = 'connected'; }});
</script>
"""


def connect_rfb(path: Path, *, upgrade: bool, patience_s: float = 0.0) -> socket.socket:
    """Connect to an RFB server, through a sidecar's HTTP where that is what it has."""
    if upgrade:
        from jupyter_xdisplay.sidecar.client import SidecarClient

        return SidecarClient(str(path)).open_rfb()
    end = time.monotonic() + patience_s
    while True:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.connect(str(path))
        except OSError:
            stream.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return stream


class Page(RequestHandler):
    """The page."""

    def get(self) -> None:
        """Give it."""
        self.write(PAGE)


class Tunnel(WebSocketHandler):
    """One viewer's bytes."""

    _stream: IOStream | None = None

    def initialize(self, path: Path, upgrade: bool) -> None:
        """Take where the RFB server is."""
        self._path, self._upgrade = path, upgrade

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Connect."""
        self.set_nodelay(True)
        stream = connect_rfb(self._path, upgrade=self._upgrade)
        self._stream = IOStream(stream, read_chunk_size=CHUNK_BYTES)
        self._carrier = asyncio.ensure_future(self._to_viewer(self._stream))

    async def on_message(self, message: str | bytes) -> None:
        """Carry input."""
        if self._stream is not None and isinstance(message, bytes):
            with suppress(StreamClosedError):
                await self._stream.write(message)

    def on_close(self) -> None:
        """Let the stream go."""
        if self._stream is not None:
            self._stream.close()

    async def _to_viewer(self, stream: IOStream) -> None:
        with suppress(StreamClosedError, WebSocketClosedError):
            while True:
                data = await stream.read_bytes(CHUNK_BYTES, partial=True)
                await self.write_message(data, binary=True)


async def serve(path: Path, upgrade: bool) -> None:
    """Serve on a port of the loopback interface."""
    application = Application(
        [
            (r"/", Page),
            (r"/novnc/(.*)", StaticFileHandler, {"path": NOVNC}),
            (r"/rfb", Tunnel, {"path": path, "upgrade": upgrade}),
        ]
    )
    listening = bind_sockets(0, "127.0.0.1")
    HTTPServer(application).add_sockets(listening)
    sys.stdout.write(f"ready\n{listening[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("socket", type=Path)
    parser.add_argument("--upgrade", action="store_true")
    options = parser.parse_args()
    asyncio.run(serve(options.socket, options.upgrade))


if __name__ == "__main__":
    main()
