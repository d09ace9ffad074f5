"""Chooses and runs the encoders for one viewer.

The order of a viewer's SetEncodings is its preference (RFC 6143 section 7.5.2): of Tight, ZRLE and
Raw the first one is used. CopyRect is used beside it where exact pixels moved up or down.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable

from jupyter_xdisplay.rfb.constants import Encoding
from jupyter_xdisplay.rfb.encodings import copyrect, raw, tight, zrle
from jupyter_xdisplay.rfb.encodings.state import EncoderState
from jupyter_xdisplay.rfb.messages import Rect as RfbRect
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels
from jupyter_xdisplay.sidecar.rfb_server.known_pixels import KnownPixels, words
from jupyter_xdisplay.sidecar.rfb_server.motion import encode_motion
from jupyter_xdisplay.sidecar.rfb_server.policy import ExactCost, slice_pixels, wants_exact
from jupyter_xdisplay.sidecar.rfb_server.region import area
from jupyter_xdisplay.sidecar.rfb_server.scrolling import find_shift
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect, bounding_box

ENCODINGS = (Encoding.TIGHT, Encoding.ZRLE, Encoding.RAW)

ALONE_S = 0.1
"""A change that comes so long after the one before is no frame of a motion."""

LEAST_SCROLLED_PIXELS = 8 * 1024
"""Of smaller changes it does not pay to look whether something moved."""


def preferred(offered: Iterable[int]) -> Encoding:
    """Return the first of our encodings in a viewer's list; Raw, which all take, where none is."""
    return next((Encoding(code) for code in offered if code in ENCODINGS), Encoding.RAW)


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a viewer takes; changes with its messages.

    `encoding` is one of `ENCODINGS`, `jpeg_quality` a level from 0 to 9, None for no JPEG;
    `compression` a level from 0 to 9; `copies` whether it takes CopyRect; `window_bytes` what may
    be on the way to the viewer.
    """

    pixel_format: PixelFormat
    encoding: Encoding
    jpeg_quality: int | None
    compression: int
    cursor: bool
    copies: bool = False
    window_bytes: int = 1 << 20


class Encoder:
    """The encoders of one viewer with their zlib streams. One thread at a time."""

    def __init__(self) -> None:
        self._state = EncoderState()
        self._known = KnownPixels()
        self._moved_s = 0.0
        self._text_cost = ExactCost(6e-9)
        self._refresh_cost = ExactCost()
        self._wishes: Wishes | None = None
        self.used = ""
        """Names of the encoders that the newest frame took, for people."""

    def begin(self, wishes: Wishes, size: Size) -> None:
        """Begin a frame of a framebuffer of that size."""
        if self._wishes is None or wishes.compression != self._wishes.compression:
            self._state.compression = wishes.compression
        if self._wishes is not None and wishes.pixel_format != self._wishes.pixel_format:
            self._known.forget()
        self._wishes = wishes
        self._known.begin(size)
        self._state.begin_update()
        self.used = ""

    def abandon(self) -> None:
        """Forget the newest frame, as it will not be sent: the viewer's zlib streams lack it."""
        self._state.abandon_update()
        self._known.forget()

    def forget(self, rect: Rect) -> None:
        """Send a part anew, whether the viewer has it or not."""
        self._known.forget(rect)

    def add(self, pixels: Pixels, rect: Rect, made: list[bytes]) -> list[Rect]:
        """Encode what changed; append rectangles to `made`; return the parts that are inexact."""
        wishes = self._wishes
        assert wishes is not None
        parts = self._known.differing(pixels, rect)
        if wishes.copies and sum(map(area, parts)) >= LEAST_SCROLLED_PIXELS:
            scrolled = bounding_box(parts)
            if self._scroll(_cut(pixels, rect, scrolled), scrolled, made):
                parts = self._known.differing(pixels, rect)
        inexact = []
        for part in parts:
            cut = _cut(pixels, rect, part)
            if self._may_jpeg(wishes) and not wants_exact(cut, self._text_cost):
                self._add_jpeg(cut, part, wishes, made)
                inexact.append(part)
            else:
                self._add_exact(cut, part, made, self._text_cost)
        return inexact

    def slice_pixels(self, wishes: Wishes) -> int:
        """Return how much of an exact refresh should be one update."""
        return slice_pixels(wishes.window_bytes, self._refresh_cost)

    def add_exact(self, pixels: Pixels, rect: Rect, made: list[bytes]) -> None:
        """Encode what rests exactly; append rectangles to `made`."""
        for part in self._known.differing(pixels, rect):
            self._add_exact(_cut(pixels, rect, part), part, made, self._refresh_cost)

    def _scroll(self, pixels: Pixels, rect: Rect, made: list[bytes]) -> bool:
        """Let the viewer move rows that it has; return whether that helps."""
        before = self._known.has(rect)
        shift = find_shift(before, words(pixels)) if before is not None else 0
        if not shift:
            return False
        source_y = rect.y + max(0, shift)
        moved = rect._replace(y=rect.y + max(0, -shift), height=rect.height - abs(shift))
        made += copyrect.encode(RfbRect(*moved), moved.x, source_y)
        self._known.copy(source_y, moved)
        self._use("CopyRect")
        return True

    def _add_jpeg(self, pixels: Pixels, rect: Rect, wishes: Wishes, made: list[bytes]) -> None:
        assert wishes.jpeg_quality is not None
        self._text_cost.fade()
        now = time.monotonic()
        alone, self._moved_s = now - self._moved_s > ALONE_S, now
        made += encode_motion(pixels, rect.x, rect.y, wishes.jpeg_quality, alone=alone)
        self._known.forget(rect)
        self._use("Tight JPEG")

    def _add_exact(self, pixels: Pixels, rect: Rect, made: list[bytes], cost: ExactCost) -> None:
        wishes = self._wishes
        assert wishes is not None
        place = (rect.x, rect.y, wishes.pixel_format, self._state)
        started = time.perf_counter()
        if wishes.encoding == Encoding.TIGHT:
            made += tight.encode_lossless(pixels, *place)
            self._use("Tight lossless")
        elif wishes.encoding == Encoding.ZRLE:
            made += zrle.encode(pixels, *place)
            self._use("ZRLE")
        else:
            made += raw.encode(pixels, *place)
            self._use("Raw")
        cost.learn(rect.width * rect.height, time.perf_counter() - started)
        self._known.learn(pixels, rect)

    def _may_jpeg(self, wishes: Wishes) -> bool:
        return (
            wishes.encoding == Encoding.TIGHT
            and wishes.jpeg_quality is not None
            and tight.can_jpeg(wishes.pixel_format)
        )

    def _use(self, name: str) -> None:
        if name not in self.used:
            self.used = f"{self.used}, {name}" if self.used else name


def _cut(pixels: Pixels, rect: Rect, part: Rect) -> Pixels:
    """Return a part of the pixels of a rectangle; both are places in the framebuffer."""
    left, top = part.x - rect.x, part.y - rect.y
    return pixels[top : top + part.height, left : left + part.width]
