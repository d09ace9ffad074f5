"""A blocking viewer of one window: its picture, its layout, and input that was taken.

No thread: it reads only while somebody waits for something. What changes meanwhile is in the next
picture; the server keeps no more than two updates for a viewer that does not read.
"""

from __future__ import annotations

import os
import select
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_xdisplay.rfb import (
    ClientConnection,
    Connected,
    Encoding,
    FenceFlag,
    FenceReceived,
    Rect,
    Screen,
    ServerMessage,
    Updated,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from jupyter_xdisplay.rfb import Pixels

ANSWER_S = 30.0
"""Longest wait for an answer of the server: an X server that a program has grabbed takes no input
until then."""

READ_BYTES = 256 * 1024

ENCODINGS: tuple[int, ...] = (
    Encoding.RAW,
    Encoding.EXTENDED_DESKTOP_SIZE,
    Encoding.DESKTOP_NAME,
    Encoding.FENCE,
    Encoding.EXTENDED_MOUSE_BUTTONS,
)
"""Exact pixels, uncompressed, as a Unix socket carries them quicker than zlib packs them; without
the pointer."""


class StreamEnded(Exception):
    """The server ended the connection: the window or the display is gone."""


class RfbViewer:
    """A viewer that has a first picture. One thread at a time, but for `close`.

    Parameters
    ----------
    stream
        A connected socket of a window's RFB session (`SidecarClient.open_rfb`).

    Raises
    ------
    StreamEnded
        When it ends before there is a picture. So do all methods when it ends later.
    """

    def __init__(self, stream: socket.socket) -> None:
        self._pid = os.getpid()
        self._stream = stream
        self._finalizer = weakref.finalize(self, stream.close)
        self._client = ClientConnection(encodings=ENCODINGS)
        self._fences = 0
        self._asking = False
        try:
            self._until(lambda event: isinstance(event, Connected))
            self._client.request_update(incremental=False)
            self._until(_has_pixels)
        except BaseException:
            self.close()
            raise

    @property
    def usable(self) -> bool:
        """Whether it is connected, and from this process: a forked child needs its own."""
        return self._finalizer.alive and self._pid == os.getpid() and not self._hung_up()

    @property
    def framebuffer(self) -> Pixels:
        """Blue, green, red, 255 of shape `[height, width, 4]`: the window and its pop-ups."""
        return self._client.framebuffer

    @property
    def title(self) -> str:
        """The window's title."""
        return self._client.name

    @property
    def parts(self) -> tuple[Screen, ...]:
        """The window itself, and then its dialogs and pop-ups, within the framebuffer."""
        height, width = self.framebuffer.shape[:2]
        return self._client.screens or (Screen(0, 0, 0, width, height, 0),)

    @property
    def origin(self) -> tuple[int, int]:
        """Where the window's own top left corner is within the framebuffer."""
        window = self.parts[0]
        return window.x, window.y

    def refresh(self) -> None:
        """Bring picture and layout up to what they are on the screen now.

        One pixel is asked for as if it were not known: the answer has all that changed with it,
        and a changed layout comes before.
        """
        self.settle(FenceFlag(0))  # answers to earlier requests are here
        self._client.request_update(incremental=False, area=Rect(0, 0, 1, 1))
        self._until(_has_pixels)
        self._asking = False

    def picture(self) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
        """Return what is seen now, for recordings, and where in the window its top left corner is.

        Red, green, blue of shape `[height, width, 3]`, a copy; the place is negative where menus
        reach beyond the window's left or upper edge.
        """
        self.refresh()
        left, top = self.origin
        return self.framebuffer[..., 2::-1].copy(), (-left, -top)

    def look(self, timeout_s: float) -> bool:
        """Wait until something changes, or until a time in seconds is over; tell which."""
        if not self._asking:
            self._client.request_update()
            self._asking = True
        return self._until(lambda _: True, timeout_s)

    def settle(self, flags: FenceFlag = FenceFlag.BLOCK_BEFORE) -> None:
        """Wait until the server has handled all that was sent.

        With BlockBefore (rfbproto, ClientFence) it has then taken effect, too: the X server has
        taken the input.
        """
        self._fences += 1
        payload = self._fences.to_bytes(8, "big")
        if not self._client.fence(flags, payload):
            raise StreamEnded("The RFB server has no fences.")
        self._until(lambda event: isinstance(event, FenceReceived) and event.payload == payload)

    def pointer(self, x: int, y: int, buttons: int = 0) -> None:
        """Move to a place of the framebuffer and hold buttons (`ClientConnection.pointer`)."""
        self._client.pointer(x, y, buttons)
        self._flush()

    def key(self, keysym: int, *, down: bool) -> None:
        """Press or release a key."""
        self._client.key(keysym, down=down)
        self._flush()

    def close(self) -> None:
        """Hang up; the server releases what is held. From any thread. Idempotent."""
        if self._pid == os.getpid():
            with suppress(OSError):
                self._stream.shutdown(2)  # wakes a thread that reads
        self._finalizer()

    def _hung_up(self) -> bool:
        """Tell whether the server did: its window may have closed, and X has given its id again."""
        poll = select.poll()
        poll.register(self._stream, select.POLLRDHUP)
        return bool(poll.poll(0))

    def _until(
        self, found: Callable[[ServerMessage], bool], timeout_s: float | None = None
    ) -> bool:
        """Read until an event is as wanted; at the end of the time False, or StreamEnded."""
        end = time.monotonic() + (ANSWER_S if timeout_s is None else timeout_s)
        while True:
            self._flush()
            remaining_s = end - time.monotonic()
            if remaining_s <= 0 or (data := self._receive(remaining_s)) is None:
                if timeout_s is None:
                    raise StreamEnded(f"The RFB server did not answer within {ANSWER_S:.0f} s.")
                return False
            self._client.receive_data(data)
            events = self._client.events()
            if any(_has_pixels(event) for event in events):
                self._asking = False
            wanted = any([found(event) for event in events])  # noqa: C419 - all of them are seen
            self._flush()
            if wanted:
                return True
            if self._client.state in {"failed", "closed"}:
                raise StreamEnded(self._client.error or "The RFB server hung up.")

    def _receive(self, timeout_s: float) -> bytes | None:
        try:
            self._stream.settimeout(timeout_s)
            data = self._stream.recv(READ_BYTES)
        except TimeoutError:
            return None
        except OSError as error:
            raise StreamEnded(f"The connection is lost: {error}.") from error
        if not data:
            raise StreamEnded("The RFB server hung up.")
        return data

    def _flush(self) -> None:
        data = self._client.data_to_send()
        if not data:
            return
        try:
            self._stream.settimeout(ANSWER_S)
            self._stream.sendall(data)
        except OSError as error:
            raise StreamEnded(f"The connection is lost: {error}.") from error


def _has_pixels(event: ServerMessage) -> bool:
    return isinstance(event, Updated) and bool(event.rectangles)
