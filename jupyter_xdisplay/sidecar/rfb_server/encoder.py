"""Chooses and runs the encoders for one viewer."""

from __future__ import annotations

import dataclasses
import time

from jupyter_xdisplay.rfb.constants import Encoding
from jupyter_xdisplay.rfb.encodings import raw, tight
from jupyter_xdisplay.rfb.encodings.state import EncoderState
from jupyter_xdisplay.rfb.pixel_format import PixelFormat, Pixels
from jupyter_xdisplay.sidecar.rfb_server.policy import ExactCost, wants_exact
from jupyter_xdisplay.x11.geometry import Rect


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a viewer takes; changes with its messages.

    `jpeg_quality` is a level from 0 to 9, None for no JPEG; `compression` a level from 0 to 9.
    """

    pixel_format: PixelFormat
    encodings: frozenset[int]
    jpeg_quality: int | None
    compression: int
    cursor: bool


class Encoder:
    """The encoders of one viewer with their zlib streams. One thread at a time."""

    def __init__(self) -> None:
        self._state = EncoderState()
        self._cost = ExactCost()
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

    def add(self, pixels: Pixels, rect: Rect, made: list[bytes]) -> bool:
        """Encode what moves; append rectangles to `made`; return whether they are exact."""
        wishes = self._wishes
        assert wishes is not None
        if self._may_jpeg(wishes) and not wants_exact(pixels, self._cost):
            assert wishes.jpeg_quality is not None
            made += tight.encode_jpeg(pixels, rect.x, rect.y, wishes.jpeg_quality)
            self._use("Tight JPEG")
            return False
        self.add_exact(pixels, rect, made)
        return True

    def add_exact(self, pixels: Pixels, rect: Rect, made: list[bytes]) -> None:
        """Encode exactly; append rectangles to `made`."""
        wishes = self._wishes
        assert wishes is not None
        started = time.perf_counter()
        if Encoding.TIGHT in wishes.encodings:
            made += tight.encode_lossless(pixels, rect.x, rect.y, wishes.pixel_format, self._state)
            self._use("Tight lossless")
        else:
            made += raw.encode(pixels, rect.x, rect.y, wishes.pixel_format)
            self._use("Raw")
        self._cost.learn(rect.width * rect.height, time.perf_counter() - started)

    def _may_jpeg(self, wishes: Wishes) -> bool:
        return (
            Encoding.TIGHT in wishes.encodings
            and wishes.jpeg_quality is not None
            and tight.can_jpeg(wishes.pixel_format)
        )

    def _use(self, name: str) -> None:
        if name not in self.used:
            self.used = f"{self.used}, {name}" if self.used else name
