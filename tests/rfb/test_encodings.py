"""Encodings: what our server sends is what our client shows, in every pixel format."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from jupyter_xdisplay.rfb import (
    BGRX32,
    DEFAULT_ENCODINGS,
    CursorChanged,
    EncoderState,
    Encoding,
    PixelFormat,
    Pixels,
    Rect,
    copyrect,
    find_palette,
    raw,
    tight,
    zrle,
)
from jupyter_xdisplay.rfb.encodings.rect import HEADER, header
from jupyter_xdisplay.rfb.encodings.tight import compact_length
from jupyter_xdisplay.rfb.pixel_format import from_wire, to_wire
from tests.rfb import gradient_filter
from tests.rfb.loopback import Loopback
from tests.rfb.pictures import FORMATS, PICTURES, RGB332, alike, flat, noise, smooth, stripes, text

Encode = Callable[[Pixels, int, int, PixelFormat, EncoderState], list[bytes]]
EXACT: dict[str, Encode] = {
    "raw": raw.encode,
    "tight": tight.encode_lossless,
    "tight without jpeg": tight.encode,
    "zrle": zrle.encode,
}
TIGHT_LEVELS = range(10)

JPEG_ERROR = {0: 40, 1: 24, 2: 18, 3: 16, 4: 12, 5: 9, 6: 7, 7: 6, 8: 5, 9: 4}
"""Quality level → mean error of a smooth picture's colours, of 255, never exceeded."""


def _as_sent(pixels: Pixels, pixel_format: PixelFormat) -> Pixels:
    """Return what can be left of pixels in that format."""
    return from_wire(to_wire(pixels, pixel_format), pixel_format).reshape(pixels.shape)


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("encode", EXACT.values(), ids=EXACT)
def test_lossless_encodings_keep_every_pixel(encode: Encode, format_name: str) -> None:
    """Each picture arrives exactly, beside what was there, over the same zlib streams."""
    pixel_format = FORMATS[format_name]
    loop = Loopback((4110, 560), pixel_format=pixel_format)
    state = EncoderState(3)
    expected = loop.client.framebuffer.copy()
    for number, pixels in enumerate(PICTURES.values()):
        height, width = pixels.shape[:2]
        x, y = (number, number * 3) if width < 4000 else (0, 0)
        rectangles = encode(pixels, x, y, loop.server.pixel_format, state)
        loop.update(rectangles)
        expected[y : y + height, x : x + width] = _as_sent(pixels, pixel_format)
    assert alike(loop.client.framebuffer, expected)
    assert (loop.client.framebuffer[..., 3] == 255).all()


@pytest.mark.parametrize("quality", JPEG_ERROR)
def test_jpeg_is_as_close_as_its_quality_promises(quality: int) -> None:
    """A smooth picture comes back within the tolerance of each quality level."""
    pixels = smooth(640, 360)
    loop = Loopback((640, 360), encodings=(*DEFAULT_ENCODINGS, -32 + quality))
    assert loop.server.jpeg_quality == quality
    rectangles = tight.encode_jpeg(pixels, 0, 0, quality)
    assert len(rectangles) == 1
    loop.update(rectangles)
    error = np.abs(loop.client.framebuffer[..., :3].astype(int) - pixels[..., :3]).mean()
    assert error < JPEG_ERROR[quality]


@pytest.mark.parametrize("format_name", [name for name in FORMATS if FORMATS[name].depth > 8])
def test_jpeg_does_not_depend_on_the_pixel_format(format_name: str) -> None:
    """JPEG rectangles are the same for all formats of 16 and 32 bits."""
    loop = Loopback((200, 150), pixel_format=FORMATS[format_name])
    loop.update(tight.encode_jpeg(smooth(200, 150), 0, 0, 9))
    difference = np.abs(loop.client.framebuffer.astype(int) - smooth(200, 150))[..., :3]
    assert difference.mean() < JPEG_ERROR[9]


def test_jpeg_of_a_slice_is_that_of_its_copy() -> None:
    """A part of a larger array is read with its own strides."""
    whole = smooth(400, 300)
    part = whole[40:240, 30:330]
    assert tight.encode_jpeg(part, 0, 0, 8) == tight.encode_jpeg(part.copy(), 0, 0, 8)


def test_no_jpeg_for_eight_bits() -> None:
    """A client of 8 bits per pixel gets exact rectangles whatever quality it offers."""
    loop = Loopback((130, 65), pixel_format=RGB332)
    pixels = PICTURES["noise"]
    loop.update(tight.encode(pixels, 0, 0, RGB332, EncoderState(), 5))
    assert alike(loop.client.framebuffer, _as_sent(pixels, RGB332))


def test_pictures_choose_their_method() -> None:
    """Flat pictures are one fill, text is a palette, photographs are JPEG."""
    controls = {
        name: tight.encode(pixels, 0, 0, BGRX32, EncoderState(), 8)[0][HEADER.size] & 0xF0
        for name, pixels in (
            ("flat", flat(300, 200)),
            ("two", stripes(300, 200, 2)),
            ("text", text(300, 200)),
            ("smooth", smooth(300, 200)),
        )
    }
    assert controls == {"flat": 0x80, "two": 0x50, "text": 0x60, "smooth": 0x90}


def test_few_large_rectangles() -> None:
    """A photograph is one JPEG rectangle however large; text below it is one of its own."""
    pixels = np.concatenate([smooth(1280, 600), flat(1280, 300)])
    rectangles = tight.encode(pixels, 5, 7, BGRX32, EncoderState(), 8)
    assert len([data for data in rectangles if data[HEADER.size] == 0x90]) == 1
    loop = Loopback((1300, 910))
    loop.update(rectangles)
    difference = np.abs(loop.client.framebuffer[7:907, 5:1285].astype(int) - pixels)[..., :3]
    assert difference.mean() < JPEG_ERROR[8]
    assert not difference[620:].any()


def test_a_jpeg_too_long_for_its_length_field_is_split() -> None:
    """Four million pixels of noise at full quality take several rectangles."""
    pixels = noise(2048, 1800)
    rectangles = tight.encode_jpeg(pixels, 0, 0, 9)
    assert len(rectangles) > 1
    loop = Loopback((2048, 1800))
    loop.update(rectangles)
    difference = np.abs(loop.client.framebuffer.astype(int) - pixels)[..., :3]
    assert difference.mean() < JPEG_ERROR[9]


@pytest.mark.parametrize("level", TIGHT_LEVELS)
def test_every_compression_level_and_a_change_between_them(level: int) -> None:
    """A new level starts the client's streams anew."""
    loop = Loopback((640, 200))
    state = EncoderState(1)
    for pixels in (PICTURES["smooth"], PICTURES["nine colours"], PICTURES["two colours"]):
        for state.compression in (1, level, 5):
            loop.update(tight.encode_lossless(pixels, 0, 0, BGRX32, state))
            height, width = pixels.shape[:2]
            assert alike(loop.client.framebuffer[:height, :width], pixels)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("encode", [tight.encode_lossless, zrle.encode], ids=["tight", "zrle"])
def test_an_abandoned_update_does_no_harm(encode: Encode, first: bool) -> None:
    """Rectangles that were made and not sent leave the streams as the client knows them."""
    loop = Loopback((200, 150))
    state = EncoderState()
    if not first:
        state.begin_update()
        loop.update(encode(smooth(200, 150), 0, 0, BGRX32, state))
    state.begin_update()
    encode(noise(200, 150), 0, 0, BGRX32, state)
    state.abandon_update()
    for _ in range(2):
        state.begin_update()
        loop.update(encode(text(200, 150), 0, 0, BGRX32, state))
        assert alike(loop.client.framebuffer, text(200, 150))


def test_copyrect_copies_also_onto_itself() -> None:
    """Source and target may overlap."""
    loop = Loopback((200, 150))
    pixels = smooth(200, 150)
    loop.update(raw.encode(pixels, 0, 0, BGRX32))
    update = loop.update(copyrect.encode(Rect(10, 20, 150, 100), 30, 5))
    expected = pixels.copy()
    expected[20:120, 10:160] = pixels[5:105, 30:180]
    assert alike(loop.client.framebuffer, expected)
    assert update.rectangles == (Rect(10, 20, 150, 100),)
    assert update.encodings == (Encoding.COPY_RECT,)


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_gradient_filter_is_undone(format_name: str) -> None:
    """What other servers send for photographs comes out exactly."""
    pixel_format = FORMATS[format_name]
    pixels = smooth(60, 40)
    loop = Loopback((60, 40), pixel_format=pixel_format)
    packed = EncoderState().tight(3, 6)[0].pack(gradient_filter.apply(pixels, pixel_format))
    control = bytes([0x70 | 0x08, 2])  # stream 3, reset, explicit filter: gradient
    head = header(0, 0, 60, 40, Encoding.TIGHT)
    loop.update([head + control + compact_length(len(packed)) + packed])
    assert alike(loop.client.framebuffer, _as_sent(pixels, pixel_format))


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16383, 16384, 4194303])
def test_compact_lengths(length: int) -> None:
    """One, two or three bytes: the example of rfbproto, and the edges."""
    data = compact_length(length)
    assert compact_length(10000) == b"\x90\x4e"
    assert len(data) == (1 if length < 128 else 2 if length < 16384 else 3)
    value = data[0] & 0x7F
    value |= (data[1] & 0x7F) << 7 if len(data) > 1 else 0
    value |= data[2] << 14 if len(data) > 2 else 0
    assert value == length


@pytest.mark.parametrize("format_name", FORMATS)
def test_cursors_keep_shape_and_hot_spot(format_name: str) -> None:
    """Pixels at least half opaque are drawn, the others are not."""
    pixel_format = FORMATS[format_name]
    loop = Loopback(pixel_format=pixel_format)
    cursor = noise(19, 23)
    loop.server.send_update([loop.server.rect_cursor(cursor, 4, 22)])
    _, told = loop.exchange()
    (changed,) = (event for event in told if isinstance(event, CursorChanged))
    assert (changed.hot_x, changed.hot_y) == (4, 22)
    opaque = cursor[..., 3] >= 128
    assert (changed.pixels[..., 3] == np.where(opaque, 255, 0)).all()
    assert alike(changed.pixels[opaque][None], _as_sent(cursor, pixel_format)[opaque][None])


def test_an_empty_cursor_hides_it() -> None:
    """A cursor of no size arrives as one."""
    loop = Loopback()
    loop.server.send_update([loop.server.rect_cursor(np.zeros((0, 0, 4), np.uint8), 3, 3)])
    _, told = loop.exchange()
    (changed,) = (event for event in told if isinstance(event, CursorChanged))
    assert changed.pixels.shape == (0, 0, 4)


def test_palettes_are_exact_or_none() -> None:
    """Up to 256 colours are found; more, or a busy picture, are left alone."""
    for colours in (1, 2, 3, 255, 256):
        pixels = stripes(900, 400, colours)
        found = find_palette(pixels)
        assert found is not None
        assert len(found.palette) == colours
        assert alike(found.palette[found.indices], pixels)
    assert find_palette(stripes(900, 400, 257)) is None
    assert find_palette(noise(300, 200)) is None
    assert find_palette(np.zeros((0, 5, 4), np.uint8)) is None


def test_updates_may_end_with_last_rect() -> None:
    """An update that does not count its rectangles is as good."""
    loop = Loopback((64, 48))
    pixels = noise(64, 48)
    rectangles = raw.encode(pixels[:20], 0, 0, BGRX32) + raw.encode(pixels[20:], 0, 20, BGRX32)
    assert len(loop.update(rectangles, last_rect=True).rectangles) == 2
    assert alike(loop.client.framebuffer, pixels)
