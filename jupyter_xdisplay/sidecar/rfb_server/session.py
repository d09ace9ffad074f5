"""One viewer's RFB session: the stream on the event loop, pixels from its thread.

What paces the frames:

- a viewer with fences: `Pacing`;
- one without (vncdotool, old viewers): its requests. Each is answered by one update, so one that
  stops asking costs nothing;
- both: no frame is made while too many have not left this process (`MOST_UPDATES_HERE`), whatever
  the viewer asks for or confirms without reading.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tornado.iostream import IOStream, StreamClosedError

from jupyter_xdisplay.rfb import (
    ClientCutText,
    ClientFence,
    ClientInit,
    ClipboardAnnounced,
    ClipboardTooLong,
    EnableContinuousUpdates,
    Encoding,
    FenceFlag,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    ResizeStatus,
    Screen,
    ServerConnection,
    SetDesktopSize,
    rect_desktop_name,
)
from jupyter_xdisplay.sidecar.rfb_server.deferred_fences import DeferredFences
from jupyter_xdisplay.sidecar.rfb_server.encoder import Wishes, preferred
from jupyter_xdisplay.sidecar.rfb_server.outgoing import Outgoing
from jupyter_xdisplay.sidecar.rfb_server.pacing import Pacing
from jupyter_xdisplay.sidecar.rfb_server.paste_order import PasteOrder
from jupyter_xdisplay.sidecar.rfb_server.source import Source
from jupyter_xdisplay.sidecar.rfb_server.stats import Stats
from jupyter_xdisplay.sidecar.rfb_server.viewer_thread import Frame, ViewerThread
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect

CHUNK_BYTES = 64 * 1024
HANDSHAKE_S = 30.0
MOST_UPDATES_HERE = 2
"""Updates that have not left this process; 1 where the viewer has no fences."""

_FENCE = struct.Struct(">I")


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
        self._connection.defer_fences = not view_only
        self._pacing = Pacing()
        self.stats = Stats(self._pacing, view_only=view_only)
        self._loop = asyncio.get_running_loop()
        self._requested = False
        self._granted = False
        self._retry: asyncio.TimerHandle | None = None
        self._outgoing = Outgoing(stream, self._something_left)
        self._untold: str | None = None
        self._order = PasteOrder(self._point_or_type)
        self._fences = DeferredFences(self._connection.answer_fence, self._flush)
        self._resizing: asyncio.Task[None] | None = None
        self._wanted_size: SetDesktopSize | None = None
        self.thread: ViewerThread | None = None
        """Makes its frames, once the handshake is over."""

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
                    self._handle(event)
                self._flush()
                self._grant()
                await self._fences.until_few()
                await self._outgoing.until_answers_are_read()
        except (StreamClosedError, asyncio.TimeoutError):
            pass
        finally:
            self._end()

    def close(self) -> None:
        """Disconnect the viewer; `run` returns."""
        self._stream.close()
        self._fences.close()

    @property
    def window(self) -> int:
        """The window that it shows; 0 for the whole screen."""
        return self._source.window

    def set_name(self, name: str) -> None:
        """Tell another name of the desktop: the window's title has changed."""
        connection = self._connection
        if connection.state == "running" and connection.supports(Encoding.DESKTOP_NAME):
            connection.send_update([rect_desktop_name(name)])
            self._flush()

    def tell_clipboard(self, text: str) -> None:
        """Offer a text that a program of the display copied; of those that wait, the newest."""
        if self._connection.state != "running" or self._view_only:
            return
        if self._outgoing.answer_bytes:
            self._untold = text
            return
        self._connection.send_clipboard(text)
        self._flush()

    def _end(self) -> None:
        self.close()
        self._order.close()
        for waiting in (self._retry, self._resizing):
            if waiting is not None:
                waiting.cancel()
        self._source.selections.forget(self)
        self._source.inputs.release(self)
        if self.thread is not None:
            self.thread.stop()

    def _handle(self, event: Any) -> None:
        if isinstance(event, ClientInit):
            self._open()
        elif isinstance(event, FramebufferUpdateRequest):
            self._take_request(event)
        elif isinstance(event, EnableContinuousUpdates):
            self._requested = self._requested or not event.enable
        elif isinstance(event, ClientFence):
            self._take_fence(event)
        elif not self._view_only:
            self._take_wish(event)
        elif isinstance(event, SetDesktopSize):
            self._connection.refuse_resize(ResizeStatus.PROHIBITED)

    def _take_wish(self, event: Any) -> None:
        if isinstance(event, PointerEvent | KeyEvent):
            self._order.take(event)
        elif isinstance(event, ClipboardAnnounced):
            self._order.hold()
        elif isinstance(event, ClientCutText):
            self._order.hold()
            self._source.selections.offer(event.text, lambda: self._call(self._order.go_on))
        elif isinstance(event, ClipboardTooLong):
            self._order.go_on()
        elif isinstance(event, SetDesktopSize):
            self._wanted_size = event  # of those that wait, only the newest is of interest
            if self._resizing is None or self._resizing.done():
                self._resizing = self._loop.create_task(self._resize())

    def _point_or_type(self, event: PointerEvent | KeyEvent | ClientFence) -> None:
        inputs, window = self._source.inputs, self._source.window
        if isinstance(event, ClientFence):  # all before it is to have taken effect (rfbproto)
            inputs.when_taken(self, lambda: self._call(self._fences.done, event))
        elif isinstance(event, PointerEvent):
            left, top = self.thread.origin if self.thread is not None else (0, 0)
            place, screen = (left + event.x, top + event.y), self._source.screen()
            inputs.pointer(self, *place, event.buttons, window, screen=screen)
        else:
            inputs.key(self, event.keysym, down=event.down, scancode=event.keycode, window=window)

    async def _resize(self) -> None:
        """Do what SetDesktopSize asks for, beside the keys: X may be slow to answer."""
        while (wanted := self._wanted_size) is not None:
            self._wanted_size = None
            status = await self._source.resizes.ask(self, wanted)
            if status is not None:
                self._connection.refuse_resize(status)
                self._flush()

    def _open(self) -> None:
        self.thread = ViewerThread(
            self._source.display,
            self._source.xauthority,
            self._source.open_framebuffer,
            Size(*self._connection.size),
            lambda frame: self._call(self._take_frame, frame),
            lambda: self._call(self.close),
        )
        self.thread.start()
        if not self._view_only:
            self._source.selections.listen(self, lambda text: self._call(self.tell_clipboard, text))

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        """Go from the viewer's thread to the loop."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, *arguments)

    def _take_request(self, request: FramebufferUpdateRequest) -> None:
        self._requested = True
        if not request.incremental and self.thread is not None:
            self.thread.ask_whole(Rect(request.x, request.y, request.width, request.height))

    def _take_fence(self, fence: ClientFence) -> None:
        if fence.flags & FenceFlag.REQUEST:
            self._fences.add()
            self._order.take(fence)
        elif len(fence.payload) == _FENCE.size:
            self._pacing.confirmed(_FENCE.unpack(fence.payload)[0], time.monotonic())

    def _grant(self) -> None:
        """Let the thread make a frame, if the viewer may have one."""
        connection = self._connection
        wanted = self._requested or connection.continuous_updates
        if self.thread is None or self._granted or not wanted or not self._may_send():
            return
        self._granted = True
        self.thread.grant(
            Wishes(
                pixel_format=connection.pixel_format,
                encoding=preferred(connection.offered),
                jpeg_quality=connection.jpeg_quality,
                compression=connection.compression,
                cursor=connection.supports(Encoding.CURSOR),
                copies=connection.supports(Encoding.COPY_RECT),
                window_bytes=self._pacing.window,
            )
        )

    def _may_send(self) -> bool:
        """Tell whether a frame may be sent; where only time is missing, `_grant` comes again."""
        most = MOST_UPDATES_HERE if self._connection.supports(Encoding.FENCE) else 1
        if self._outgoing.updates >= most:
            return False
        wait_s = self._pacing.wait_s(time.monotonic())
        if wait_s and self._retry is None:
            self._retry = self._loop.call_later(wait_s, self._grant_again)
        return wait_s == 0.0

    def _grant_again(self) -> None:
        self._retry = None
        self._grant()

    def _take_frame(self, frame: Frame) -> None:
        """Send a frame that the thread made."""
        connection = self._connection
        self._granted = False
        if connection.state != "running" or self._stream.closed():
            return
        self._flush()
        if frame.wishes.pixel_format != connection.pixel_format and frame.layout is None:
            assert self.thread is not None
            self.thread.start_over()
            self._grant()
            return
        self._ping()
        if frame.layout is not None:
            size, parts = frame.layout
            reason = self._source.resizes.reason(self, size)
            screens = [Screen(number, *part, 0) for number, part in enumerate(parts)]
            if not connection.resize(size, reason, screens):
                self.close()  # it cannot follow; connected anew it knows the size
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

    def _ping(self) -> None:
        if self._connection.supports(Encoding.FENCE):
            number = self._pacing.ping(time.monotonic())
            if number is not None:
                self._send_fence(number)

    def _send_fence(self, number: int) -> None:
        flags = FenceFlag.REQUEST | FenceFlag.BLOCK_BEFORE
        self._connection.send_fence(flags, _FENCE.pack(number))

    def _send_with_fence(self, frame: Frame) -> None:
        connection = self._connection
        data = connection.data_to_send()
        if connection.supports(Encoding.FENCE):
            self._send_fence(self._pacing.sent(len(data), time.monotonic()))
            data += connection.data_to_send()
        self._outgoing.update(data)
        assert self.thread is not None
        self.stats.capture = self.thread.capture
        self.stats.pixel_format = connection.pixel_format
        self.stats.sent(len(data), frame.encoder)

    def _flush(self) -> None:
        """Send the answers that are ready."""
        data = self._connection.data_to_send()
        if data:
            self._outgoing.answer(data)

    def _something_left(self) -> None:
        self._grant()
        if not self._outgoing.answer_bytes and self._untold is not None:
            text, self._untold = self._untold, None
            self.tell_clipboard(text)
