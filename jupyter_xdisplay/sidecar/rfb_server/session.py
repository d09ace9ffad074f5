"""One viewer's RFB session: the stream on the event loop, pixels from its thread."""

from __future__ import annotations

import asyncio
import dataclasses
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tornado.iostream import IOStream, StreamClosedError

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.rfb import (
    ClientFence,
    ClientInit,
    EnableContinuousUpdates,
    Encoding,
    FenceFlag,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    ResizeReason,
    ResizeStatus,
    ServerConnection,
    SetDesktopSize,
)
from jupyter_xdisplay.sidecar.rfb_server.encoder import Wishes
from jupyter_xdisplay.sidecar.rfb_server.inputs import Inputs
from jupyter_xdisplay.sidecar.rfb_server.pacing import Pacing
from jupyter_xdisplay.sidecar.rfb_server.stats import Stats
from jupyter_xdisplay.sidecar.rfb_server.viewer_thread import Frame, ViewerThread
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect

CHUNK_BYTES = 64 * 1024
HANDSHAKE_S = 30.0
_FENCE = struct.Struct(">I")


@dataclasses.dataclass(frozen=True)
class Source:
    """What viewers look at: a display, how to type into it, how to resize it."""

    display: str
    xauthority: Path
    name: str
    size: Callable[[], Size]
    inputs: Inputs
    resize: Callable[[Size], Awaitable[Any]]


class RfbSession:
    """Serves one viewer until either side closes.

    A frame is made only when it may be sent (`Pacing`), so nothing is ever queued: what changed
    meanwhile is in the next one. A viewer that reads nothing costs the two updates that are on
    the way to it, and holds up nobody else.

    Parameters
    ----------
    stream
        Carries RFB.
    source
        What to show.
    view_only
        Take no keys, no pointer, no clipboard, no resize.
    password
        Ask for it by VNC Authentication.
    """

    def __init__(
        self,
        stream: IOStream,
        source: Source,
        *,
        view_only: bool = False,
        password: str | None = None,
    ) -> None:
        self._stream = stream
        self._source = source
        self._view_only = view_only
        self._connection = ServerConnection(source.name, source.size(), password=password)
        self._pacing = Pacing()
        self.stats = Stats(view_only=view_only)
        self._loop = asyncio.get_running_loop()
        self._requested = False
        self._granted = False
        self._thread: ViewerThread | None = None

    async def run(self) -> None:
        """Serve; return when it is over."""
        try:
            self._flush()  # the server speaks first
            while self._connection.state in {"handshake", "running"}:
                reading = self._stream.read_bytes(CHUNK_BYTES, partial=True)
                if self._connection.state == "handshake":
                    data = await asyncio.wait_for(reading, HANDSHAKE_S)
                else:
                    data = await reading
                self._connection.receive_data(data)
                for event in self._connection.events():
                    await self._handle(event)
                self._flush()
                self._grant()
        except (StreamClosedError, asyncio.TimeoutError):
            pass
        finally:
            self._source.inputs.release(self)
            if self._thread is not None:
                self._thread.stop()
            self._stream.close()

    def close(self) -> None:
        """Disconnect the viewer; `run` returns."""
        self._stream.close()

    def tell_clipboard(self, text: str) -> None:
        """Offer a text that a program of the display copied."""
        if self._connection.state == "running" and not self._view_only:
            self._connection.send_clipboard(text)
            self._flush()

    async def _handle(self, event: Any) -> None:
        if isinstance(event, ClientInit):
            self._open()
        elif isinstance(event, FramebufferUpdateRequest):
            self._take_request(event)
        elif isinstance(event, EnableContinuousUpdates):
            self._requested = self._requested or not event.enable
        elif isinstance(event, ClientFence):
            self._take_fence(event)
        elif not self._view_only:
            await self._take_input(event)
        elif isinstance(event, SetDesktopSize):
            self._connection.refuse_resize(ResizeStatus.PROHIBITED)

    async def _take_input(self, event: Any) -> None:
        inputs = self._source.inputs
        if isinstance(event, PointerEvent):
            inputs.pointer(self, event.x, event.y, event.buttons)
        elif isinstance(event, KeyEvent):
            inputs.key(self, event.keysym, down=event.down, scancode=event.keycode)
        elif isinstance(event, SetDesktopSize):
            try:
                await self._source.resize(Size(event.width, event.height))
            except XDisplayError:
                self._connection.refuse_resize(ResizeStatus.INVALID_LAYOUT)

    def _open(self) -> None:
        self._thread = ViewerThread(
            self._source.display,
            self._source.xauthority,
            lambda frame: self._call(self._take_frame, frame),
            lambda: self._call(self._stream.close),
        )
        self._thread.start()

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        """Go from the viewer's thread to the loop."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, *arguments)

    def _take_request(self, request: FramebufferUpdateRequest) -> None:
        self._requested = True
        if not request.incremental and self._thread is not None:
            self._thread.ask_whole(Rect(request.x, request.y, request.width, request.height))

    def _take_fence(self, fence: ClientFence) -> None:
        if len(fence.payload) == _FENCE.size:
            self._pacing.confirmed(_FENCE.unpack(fence.payload)[0], time.monotonic())

    def _grant(self) -> None:
        """Let the thread make a frame, if the viewer may have one."""
        connection = self._connection
        wanted = self._requested or connection.continuous_updates
        if self._thread is None or self._granted or not wanted or not self._pacing.may_send():
            return
        self._granted = True
        self._thread.grant(
            Wishes(
                pixel_format=connection.pixel_format,
                encodings=connection.encodings,
                jpeg_quality=connection.jpeg_quality,
                compression=connection.compression,
                cursor=connection.supports(Encoding.CURSOR),
            )
        )

    def _take_frame(self, frame: Frame) -> None:
        """Send a frame that the thread made."""
        connection = self._connection
        self._granted = False
        if connection.state != "running" or self._stream.closed():
            return
        if frame.resized is not None:
            if not connection.resize(frame.resized, ResizeReason.SERVER):
                self._stream.close()  # it cannot follow; connected anew it knows the size
                return
        elif frame.wishes.pixel_format != connection.pixel_format:
            assert self._thread is not None
            self._thread.start_over()
            self._grant()
            return
        else:
            rectangles = list(frame.rectangles)
            if frame.cursor is not None:
                cursor = frame.cursor
                rectangles.append(connection.rect_cursor(cursor.pixels, cursor.hot_x, cursor.hot_y))
            connection.send_update(rectangles)
            self._requested = False
        self._send_with_fence(frame)
        self._grant()

    def _send_with_fence(self, frame: Frame) -> None:
        connection = self._connection
        data = connection.data_to_send()
        if connection.supports(Encoding.FENCE):
            number = self._pacing.sent(len(data), time.monotonic())
            connection.send_fence(FenceFlag.REQUEST | FenceFlag.BLOCK_BEFORE, _FENCE.pack(number))
            data += connection.data_to_send()
        self._write(data)
        self.stats.sent(len(data), frame.encoder, self._pacing.round_trip_s)

    def _flush(self) -> None:
        data = self._connection.data_to_send()
        if data:
            self._write(data)

    def _write(self, data: bytes) -> None:
        """Give bytes to the stream; `Pacing` bounds what waits there."""
        with suppress(StreamClosedError):
            self._stream.write(data).add_done_callback(_ignore)


def _ignore(future: asyncio.Future[None]) -> None:
    """Take the error of a stream that was closed: the reader has seen it too."""
    if not future.cancelled():
        future.exception()
