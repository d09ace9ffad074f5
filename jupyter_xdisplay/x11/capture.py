"""Pixels of a drawable: by MIT-SHM (the MIT-SHM extension document), else by plain GetImage."""

from __future__ import annotations

from typing import Any

import numpy as np
import xcffib
import xcffib.shm
import xcffib.xproto

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.pixels import ImageLayout, Pixels, masks_of
from jupyter_xdisplay.x11.shm import SharedMemory

ALL_PLANES = 0xFFFFFFFF
REPLY_HEADER_BYTES = 32
VERIFY_TRIES = 3


class DrawableChangedError(Exception):
    """The rectangle is not within the drawable: it has another size now, or is gone."""


class Capture:
    """Grabs rectangles of a window or pixmap.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    drawable
        A pixmap, or a window that is mapped; the root window by default.
    shared_memory
        False takes plain GetImage at once.

    Attributes
    ----------
    size
        Width and height in pixels when it was last measured.
    path
        "MIT-SHM" or "GetImage".
    why
        Why it is not MIT-SHM; None where it is.

    Raises
    ------
    UsageError
        When pixels of that depth cannot be read.
    DrawableChangedError
        When there is no such drawable.
    """

    def __init__(
        self,
        connection: X11Connection,
        drawable: int | None = None,
        *,
        shared_memory: bool = True,
    ) -> None:
        self._x = connection
        self.drawable = connection.root if drawable is None else drawable
        self.size = self.measure()
        self._layout = self._find_layout()
        self.path = "GetImage"
        self.why: str | None = "not asked for"
        self._memory: SharedMemory | None = None
        self._segment = 0
        if shared_memory:
            self._take_shared_memory()

    def measure(self) -> Size:
        """Ask for the size now and return it (GetGeometry)."""
        try:
            self._geometry = self._x.core.GetGeometry(self.drawable).reply()
        except xcffib.xproto.DrawableError as error:
            raise DrawableChangedError(f"There is no drawable {self.drawable:#x}.") from error
        self.size = Size(self._geometry.width, self._geometry.height)
        return self.size

    def grab(self, x: int, y: int, width: int, height: int) -> Pixels:
        """Return the pixels of a rectangle as they are now.

        Returns
        -------
        ndarray
            Shape (height, width, 4), contiguous: blue, green, red and a byte that means nothing.
            By MIT-SHM it is a view of the shared segment: the next grab overwrites it.

        Raises
        ------
        DrawableChangedError
            When the rectangle is not within the drawable; `size` is measured anew before.
        """
        if width <= 0 or height <= 0:
            raise DrawableChangedError(f"Nothing to grab: {width}x{height}.")
        try:
            if self._memory is not None:
                return self._grab_shared(self._memory, x, y, width, height)
            return self._grab_plain(x, y, width, height)
        except (xcffib.xproto.MatchError, xcffib.xproto.DrawableError) as error:
            size = self.measure()
            raise DrawableChangedError(f"{width}x{height}+{x}+{y} is not within {size}.") from error

    def grab_all(self) -> Pixels:
        """Return the pixels of the whole drawable, measured anew where its size has changed."""
        for _ in range(VERIFY_TRIES):
            try:
                pixels = self.grab(0, 0, *self.size)
            except DrawableChangedError:
                continue
            return pixels
        raise DrawableChangedError("The drawable keeps changing.")

    def close(self) -> None:
        """Give the shared memory back. Idempotent."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None
            try:
                self._x.extension(xcffib.shm.key).Detach(self._segment)
                self._x.flush()
            except xcffib.ConnectionException:
                pass  # the server is gone, and its attachment with it

    def _find_layout(self) -> ImageLayout:
        setup = self._x.raw.get_setup()
        try:
            visual = self._x.core.GetWindowAttributes(self.drawable).reply().visual
        except xcffib.xproto.WindowError:
            visual = 0  # a pixmap has none: take the one that windows of its depth have
        masks = masks_of(setup, visual or _visual_of_depth(setup, self._geometry.depth))
        return ImageLayout(setup, self._geometry.depth, masks)

    def _take_shared_memory(self) -> None:
        """Use MIT-SHM if it works, else say why it does not."""
        if not self._x.has_extension(xcffib.shm.key):
            self.why = "this X server has no MIT-SHM"
            return
        try:
            self._make_segment(Rect(0, 0, *self.size))
            same = self._is_the_same_memory()
        except xcffib.xproto.AccessError:
            self._refused("the X server may not attach our memory: another user or IPC namespace")
        except (xcffib.Error, OSError) as error:
            self._refused(f"MIT-SHM failed: {error or type(error).__name__}")
        else:
            if same:
                self.path, self.why = "MIT-SHM", None
            else:
                self._refused("the X server attached other memory than ours: its IPC namespace")

    def _refused(self, why: str) -> None:
        self.why = why
        if self._memory is not None:
            self.close()

    def _make_segment(self, rect: Rect) -> SharedMemory:
        """Make memory for an image of that size in place of what there was."""
        self.close()
        memory = SharedMemory(self._layout.stride(rect.width) * rect.height)
        self._segment = self._x.raw.generate_id()
        requests = self._x.extension(xcffib.shm.key)
        requests.Attach(self._segment, memory.id, False, is_checked=True).check()
        self._memory = memory
        return memory

    def _is_the_same_memory(self) -> bool:
        """Compare a pixel by both paths.

        In another IPC namespace the same id may name somebody else's segment.
        """
        assert self._memory is not None
        for _ in range(VERIFY_TRIES):  # the pixel may change in between
            plain = self._grab_plain(0, 0, 1, 1).copy()
            self._memory.view[: self._layout.stride(1)] = 255 - plain.ravel()[0]
            if np.array_equal(self._grab_shared(self._memory, 0, 0, 1, 1)[..., :3], plain[..., :3]):
                return True
        return False

    def _grab_shared(self, memory: SharedMemory, x: int, y: int, width: int, height: int) -> Pixels:
        if self._layout.stride(width) * height > memory.size:
            size = self.measure()
            if x + width > size.width or y + height > size.height:
                raise DrawableChangedError(f"{width}x{height}+{x}+{y} is not within {size}.")
            memory = self._make_segment(Rect(0, 0, *size))
        self._x.extension(xcffib.shm.key).GetImage(
            *(self.drawable, x, y, width, height),
            *(ALL_PLANES, xcffib.xproto.ImageFormat.ZPixmap, self._segment, 0),
        ).reply()
        return self._layout.read(memory.view, width, height)

    def _grab_plain(self, x: int, y: int, width: int, height: int) -> Pixels:
        cookie = self._x.core.GetImage(
            xcffib.xproto.ImageFormat.ZPixmap, self.drawable, x, y, width, height, ALL_PLANES
        )
        data = np.frombuffer(self._x.reply_buffer(cookie), np.uint8)[REPLY_HEADER_BYTES:]
        return self._layout.read(data, width, height)


def _visual_of_depth(setup: Any, depth: int) -> int:
    for screen in setup.roots:
        for allowed in screen.allowed_depths:
            if allowed.depth == depth and len(allowed.visuals):
                return int(allowed.visuals[0].visual_id)
    return 0
