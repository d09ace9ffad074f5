"""Moving pictures as files: GIF by Pillow, MP4 and WebM by PyAV (the extra `record`).

Frames from any source are added with the time at which they were seen; only those that differ are
kept, packed, in a temporary file. So adding is quick, and what the whole recording has is known
when it is written: its palette, and how large its frames ever were.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
import zlib
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from jupyter_xdisplay.errors import LimitReached, ProgramMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    import PIL.Image

Picture = npt.NDArray[np.uint8]
"""Red, green, blue; of shape `[height, width, 3]`."""

VIDEO = {
    ".mp4": ("libx264", {"crf": "20", "preset": "veryfast"}),
    ".webm": ("libvpx-vp9", {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "6"}),
}
"""Suffix → encoder and its options: text stays sharp."""

SUFFIXES = (".gif", *VIDEO)
MOST_FPS = {".gif": 25.0, ".mp4": 60.0, ".webm": 60.0}
"""GIF counts in hundredths of a second; what is shorter than two of them browsers show slowly."""

MOST_FRAMES = {".gif": 600, ".mp4": 36_000, ".webm": 36_000}
"""Pillow holds all frames of a GIF in memory."""

LEAST_GIF_CS = 2
COLOURS = 256

SAMPLES = 16
"""Frames that the palette of a GIF is made of."""

SAMPLE_PIXELS = 64 * 1024
BACKGROUND = 255
PACKING = 1


class Frame(NamedTuple):
    """A picture in the file, when it was seen, and where its top left corner is."""

    time_s: float
    x: int
    y: int
    width: int
    height: int
    offset: int
    size: int


def check(path: Path, seconds: float, fps: float) -> None:
    """Find out before anything is recorded whether it can be written.

    Raises
    ------
    UsageError
        When the suffix names no format, the folder cannot be written, or it would be too long.
    ProgramMissing
        When the package av is needed and not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"The suffix of {path} names no format of recordings.",
            fix="end it in " + ", ".join(SUFFIXES),
        )
    if suffix in VIDEO and importlib.util.find_spec("av") is None:
        raise ProgramMissing(
            f"{suffix} needs the Python package av.", fix="pip install av   (or record a .gif)"
        )
    if not 0 < fps <= MOST_FPS[suffix]:
        raise UsageError(
            f"{fps:g} frames a second are not possible.",
            fix=f"use at most {MOST_FPS[suffix]:g} for {suffix}",
        )
    if not 0 < seconds * fps <= MOST_FRAMES[suffix]:
        raise UsageError(
            f"{seconds:g} s of {fps:g} frames a second are not possible.",
            fix=f"use at most {MOST_FRAMES[suffix] / fps:g} s, or fewer frames a second",
        )
    if not os.access(path.parent, os.W_OK) or path.is_dir():
        raise UsageError(f"{path} cannot be written.", fix="name a file in a folder of yours")


class Recording:
    """Frames in a temporary file. As a context manager it is deleted at the end."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.lasted_s = 0.0
        """How long `follow` went on."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._last: Picture | None = None

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, picture: Picture, time_s: float, at: tuple[int, int] = (0, 0)) -> None:
        """Add what is seen from then on; nothing happens where it is the same as before.

        Parameters
        ----------
        picture
            Copied.
        time_s
            Seconds since the start; never less than before.
        at
            Where its top left corner is, in a system of coordinates that all frames share.

        Raises
        ------
        LimitReached
            When there are more frames than any format takes.
        """
        height, width = picture.shape[:2]
        place = (*at, width, height)
        there = self.frames[-1][1:5] if self.frames else None
        if there == place and self._last is not None and np.array_equal(self._last, picture):
            return
        if len(self.frames) >= max(MOST_FRAMES.values()):
            raise LimitReached(f"A recording has at most {len(self.frames)} frames.")
        self._last = picture.copy()
        packed = zlib.compress(self._last.tobytes(), PACKING)
        offset = self._file.seek(0, os.SEEK_END)
        self._file.write(packed)
        self.frames.append(Frame(time_s, *place, offset, len(packed)))

    @property
    def pixels(self) -> int:
        """How many pixels its frames have, all together."""
        return sum(frame.width * frame.height for frame in self.frames)

    def follow(
        self,
        look: Callable[[], tuple[Picture, tuple[int, int]]],
        seconds: float,
        fps: float,
        wait: Callable[[float], bool | None],
    ) -> None:
        """Add what is seen, until the time is over; a busy machine gives fewer frames, and no gaps.

        Parameters
        ----------
        look
            Returns a picture, and where its top left corner is (`add`). What it raises ends this.
        seconds
            How long.
        fps
            Most frames a second.
        wait
            Waits for so many seconds; what is true ends this.
        """
        start = time.monotonic()
        due = 0.0
        over: bool | None = False
        while not over and self.lasted_s < seconds:
            picture, at = look()
            now = time.monotonic() - start
            self.add(picture, now, at)
            due = max(due + 1 / fps, now)
            over = wait(max(0.0, min(due, seconds) - now))
            self.lasted_s = min(seconds, time.monotonic() - start)

    def save(self, path: Path, seconds: float, fps: float) -> None:
        """Write it; the first frame is shown from the start, the last one until the end.

        All frames are as large as what any of them shows, what one lacks is white.

        Parameters
        ----------
        path
            Its suffix chooses the format. A file that is there is replaced, once all is written.
        seconds
            How long it is.
        fps
            Frames a second, where the format has a rate.

        Raises
        ------
        UsageError
            When there is no frame, or too many for the format, or the file cannot be written.
        ProgramMissing
            When the package av is needed and not installed.
        """
        check(path, seconds, fps)
        suffix = path.suffix.lower()
        if not self.frames or len(self.frames) > MOST_FRAMES[suffix]:
            raise UsageError(
                f"{len(self.frames)} frames make no {suffix}.",
                fix=f"record 1 to {MOST_FRAMES[suffix]} of them",
            )
        part = path.with_name(f".{path.name}.{os.getpid()}{suffix}")
        try:
            if suffix == ".gif":
                self._save_gif(part, seconds)
            else:
                self._save_video(part, seconds, fps, *VIDEO[suffix])
            part.replace(path)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error
        finally:
            part.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete it. Idempotent."""
        self._file.close()

    def _save_gif(self, path: Path, seconds: float) -> None:
        begins = [0, *(round(frame.time_s * 100) for frame in self.frames[1:])]
        ends = [*begins[1:], max(round(seconds * 100), begins[-1] + LEAST_GIF_CS)]
        shown: list[Frame] = []
        durations_ms: list[int] = []
        begin = 0
        for frame, end in zip(self.frames, ends, strict=True):
            if end - begin >= LEAST_GIF_CS:  # else the next one has its time
                shown.append(frame)
                durations_ms.append(10 * (end - begin))
                begin = end
        palette = self._palette(shown)
        images = (self._image(frame, palette) for frame in shown)
        next(images).save(
            path,
            save_all=True,
            append_images=images,
            duration=durations_ms if len(durations_ms) > 1 else durations_ms[0],
            loop=0,
            optimize=False,
            palette=bytes(palette.getpalette() or b""),  # one for all frames, and not one in each
        )

    def _image(self, frame: Frame, palette: PIL.Image.Image) -> PIL.Image.Image:
        from PIL import Image

        image = Image.fromarray(self._on_canvas(frame))
        return image.quantize(palette=palette, dither=Image.Dither.NONE)

    def _palette(self, frames: list[Frame]) -> PIL.Image.Image:
        """Return an image with the palette of all frames: their own colours where they are few."""
        from PIL import Image

        colours: set[object] = set()
        for frame in frames:
            found = Image.fromarray(self._on_canvas(frame)).getcolors(COLOURS)
            colours |= {colour for _, colour in found or ()}
            if found is None or len(colours) > COLOURS:
                return self._mixed_palette(frames[:: -(-len(frames) // SAMPLES)])
        palette = Image.new("P", (1, 1))
        palette.putpalette(np.array(sorted(colours), np.uint8).tobytes())  # type: ignore[type-var]
        return palette

    def _mixed_palette(self, frames: list[Frame]) -> PIL.Image.Image:
        from PIL import Image

        samples = []
        for frame in frames:
            pixels = self._on_canvas(frame).reshape(-1, 3)
            samples.append(pixels[:: max(1, len(pixels) // SAMPLE_PIXELS)])
        everything = Image.fromarray(np.concatenate(samples)[None])
        return everything.quantize(COLOURS, dither=Image.Dither.NONE)

    def _save_video(
        self, path: Path, seconds: float, fps: float, codec: str, options: dict[str, str]
    ) -> None:
        import av

        _, _, width, height = self._box()
        width, height = width + width % 2, height + height % 2  # as yuv420p has it
        with av.open(str(path), "w") as container:
            stream = container.add_stream(
                codec, rate=Fraction(fps).limit_denominator(1000), options=options
            )
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for picture in self._at_rate(seconds, fps):
                padding = [(0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0)]
                image = av.VideoFrame.from_ndarray(np.pad(picture, padding, "edge"), "rgb24")
                container.mux(stream.encode(image))
            container.mux(stream.encode(None))

    def _at_rate(self, seconds: float, fps: float) -> Iterator[Picture]:
        """Yield the picture of each tick of a clock."""
        number = -1
        picture: Picture | None = None
        for tick in range(max(1, round(seconds * fps))):
            until_s = (tick + 0.5) / fps
            first = number
            while number + 1 < len(self.frames) and (
                number < 0 or self.frames[number + 1].time_s < until_s
            ):
                number += 1
            if picture is None or number != first:
                picture = self._on_canvas(self.frames[number])
            yield picture

    def _box(self) -> tuple[int, int, int, int]:
        """Return what all frames together cover: left, top, width, height."""
        left = min(frame.x for frame in self.frames)
        top = min(frame.y for frame in self.frames)
        right = max(frame.x + frame.width for frame in self.frames)
        bottom = max(frame.y + frame.height for frame in self.frames)
        return left, top, right - left, bottom - top

    def _on_canvas(self, frame: Frame) -> Picture:
        self._file.seek(frame.offset)
        data = zlib.decompress(self._file.read(frame.size))
        picture = np.frombuffer(data, np.uint8).reshape(frame.height, frame.width, 3)
        left, top, width, height = self._box()
        if (width, height) == (frame.width, frame.height):
            return picture
        canvas = np.full((height, width, 3), BACKGROUND, np.uint8)
        x, y = frame.x - left, frame.y - top
        canvas[y : y + frame.height, x : x + frame.width] = picture
        return canvas
