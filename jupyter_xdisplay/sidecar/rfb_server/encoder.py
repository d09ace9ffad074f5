"""Chooses and runs the encoders for one viewer.

The order of a viewer's SetEncodings is its preference (RFC 6143 section 7.5.2): of Tight, ZRLE and
Raw the first one is used. CopyRect is not: XDamage tells what has changed and not that it was
moved, so every frame would have to be compared with a copy of the one before, for a gain where a
window is dragged or text scrolls; there one JPEG rectangle, and its exact pixels once it rests,
cost less time than the search.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable

from jupyter_xdisplay.rfb.constants import Encoding
from jupyter_xdisplay.rfb.encodings import raw, tight, zrle
from jupyter_xdisplay.rfb.encodings.state import EncoderState
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels
from jupyter_xdisplay.sidecar.rfb_server.motion import encode_motion
from jupyter_xdisplay.sidecar.rfb_server.policy import ExactCost, slice_pixels, wants_exact
from jupyter_xdisplay.x11.geometry import Rect

ENCODINGS = (Encoding.TIGHT, Encoding.ZRLE, Encoding.RAW)


def preferred(offered: Iterable[int]) -> Encoding:
    """Return the first of our encodings in a viewer's list; Raw, which all take, where none is."""
    return next((Encoding(code) for code in offered if code in ENCODINGS), Encoding.RAW)


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a viewer takes; changes with its messages.

    `encoding` is one of `ENCODINGS`, `jpeg_quality` a level from 0 to 9, None for no JPEG;
    `compression` a level from 0 to 9; `window_bytes` what may be on the way to the viewer.
    """

    pixel_format: PixelFormat
    encoding: Encoding
    jpeg_quality: int | None
    compression: int
    cursor: bool
    window_bytes: int = 1 << 20


class Encoder:
    """The encoders of one viewer with their zlib streams. One thread at a time."""

    def __init__(self) -> None:
        self._state = EncoderState()
        self._text_cost = ExactCost(6e-9)
        self._refresh_cost = ExactCost()
        self._wishes: Wishes | None = None
        self.used = ""
        """Names of the encoders that the newest frame took, for people."""

    def begin(self, wishes: Wishes) -> None:
        """Begin a frame."""
        if self._wishes is None or wishes.compression != self._wishes.compression:
            self._state.compression = wishes.compression
        self._wishes = wishes
        self._state.begin_update()
        self.used = ""

    def abandon(self) -> None:
        """Forget the newest frame, as it will not be sent: the viewer's zlib streams lack it."""
        self._state.abandon_update()

    def add(self, pixels: Pixels, rect: Rect, made: list[bytes]) -> bool:
        """Encode what moves; append rectangles to `made`; return whether they are exact."""
        wishes = self._wishes
        assert wishes is not None
        if self._may_jpeg(wishes) and not wants_exact(pixels, self._text_cost):
            self._text_cost.fade()
            assert wishes.jpeg_quality is not None
            made += encode_motion(pixels, rect.x, rect.y, wishes.jpeg_quality)
            self._use("Tight JPEG")
            return False
        self._add_exact(pixels, rect, made, self._text_cost)
        return True

    def slice_pixels(self, wishes: Wishes) -> int:
        """Return how much of an exact refresh should be one update."""
        return slice_pixels(wishes.window_bytes, self._refresh_cost)

    def add_exact(self, pixels: Pixels, rect: Rect, made: list[bytes]) -> None:
        """Encode what rests exactly; append rectangles to `made`."""
        self._add_exact(pixels, rect, made, self._refresh_cost)

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

    def _may_jpeg(self, wishes: Wishes) -> bool:
        return (
            wishes.encoding == Encoding.TIGHT
            and wishes.jpeg_quality is not None
            and tight.can_jpeg(wishes.pixel_format)
        )

    def _use(self, name: str) -> None:
        if name not in self.used:
            self.used = f"{self.used}, {name}" if self.used else name
