"""Which encoding a viewer gets, and that its zlib streams stay whole."""

from __future__ import annotations

import numpy as np
import pytest

from jupyter_xdisplay.rfb import (
    BGRX32,
    DEFAULT_ENCODINGS,
    ClientConnection,
    Encoding,
    PixelFormat,
    ServerConnection,
)
from jupyter_xdisplay.sidecar.rfb_server.encoder import Encoder, Wishes, preferred
from jupyter_xdisplay.sidecar.rfb_server.motion import encode_motion
from jupyter_xdisplay.sidecar.rfb_server.stats import describe_capture, describe_format
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.geometry import Rect
from tests.rfb.pictures import smooth, text
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.rfb_server.conftest import Open
from tests.sidecar.rfb_server.viewing import QUALITY, figures_of, screen_of, shows
from tests.xclient import running

TIGHT, ZRLE, RAW = Encoding.TIGHT, Encoding.ZRLE, Encoding.RAW
RGB565 = PixelFormat(16, 16, False, True, 31, 63, 31, 11, 5, 0)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((TIGHT, ZRLE, RAW), TIGHT),
        ((1, ZRLE, TIGHT, RAW), ZRLE),
        ((RAW, TIGHT), RAW),
        ((5, 2, -239), RAW),
        ((), RAW),
    ],
)
def test_the_first_of_ours_is_taken(offered: tuple[int, ...], chosen: Encoding) -> None:
    """The order of SetEncodings is the viewer's preference."""
    assert preferred(offered) == chosen


@pytest.mark.parametrize("first", [TIGHT, ZRLE, RAW])
@pytest.mark.parametrize("quality", [(), (QUALITY,)], ids=["exact", "with JPEG"])
@pytest.mark.parametrize("pixel_format", [BGRX32, RGB565], ids=["32 bit", "16 bit"])
def test_each_encoding_shows_the_screen(
    sidecar: SidecarProcess,
    open_viewer: Open,
    first: Encoding,
    quality: tuple[int, ...],
    pixel_format: PixelFormat,
) -> None:
    """And no other one is sent; `viewers` names it, and the format that costs a conversion."""
    viewer = open_viewer(
        sidecar, encodings=(first, *DEFAULT_ENCODINGS, *quality), pixel_format=pixel_format
    )
    with running(sidecar.info, "window", "--colour", "A05030"):
        viewer.until_shows(lambda pixels: (pixels[..., 0] != pixels[0, 0, 0]).any())
        if pixel_format == BGRX32:
            viewer.until_shows(lambda _: shows(viewer, screen_of(sidecar.client)))
    assert viewer.encodings() == {first}
    (figures,) = figures_of(sidecar.client)
    assert figures["encoder"].split()[0] == first.name.capitalize().replace("Zrle", "ZRLE")
    assert figures["pixel_format"] == (None if pixel_format == BGRX32 else "16 bit, rgb565")


@pytest.mark.parametrize("encoding", [TIGHT, ZRLE])
def test_a_frame_that_was_not_sent_is_not_missed(encoding: Encoding) -> None:
    """As when the screen's size changes between grabbing and sending."""
    server, client = ServerConnection("desktop", (64, 48)), ClientConnection()
    _talk(server, client)
    encoder = Encoder()
    wishes = Wishes(BGRX32, encoding, None, 1, cursor=False)
    for number, pixels in enumerate([text(64, 48), smooth(64, 48), text(64, 48)[::-1].copy()] * 2):
        made: list[bytes] = []
        encoder.begin(wishes, Size(64, 48))
        encoder.add_exact(pixels, Rect(0, 0, 64, 48), made)
        if number % 2:
            encoder.abandon()
            continue
        server.send_update(made)
        _talk(server, client)
        assert client.error is None
        assert np.array_equal(client.framebuffer[..., :3], pixels[..., :3])


def test_one_change_is_cut_for_two_threads_and_frames_of_a_motion_are_not() -> None:
    """Every image costs browsers some time; too large ones are cut all the same."""
    pixels = np.random.default_rng(1).integers(0, 256, (720, 1280, 4), np.uint8)
    assert len(encode_motion(pixels, 0, 0, 6)) == 2
    assert len(encode_motion(pixels, 0, 0, 6, alone=False)) == 1
    assert len(encode_motion(pixels[:120, :160], 0, 0, 6)) == 1
    large = np.zeros((2160, 1280, 4), np.uint8)
    assert len(encode_motion(large, 0, 0, 6, alone=False)) == 2
    encoder, counts = Encoder(), []
    wishes = Wishes(BGRX32, TIGHT, 6, 1, cursor=False)
    for _ in range(2):
        made: list[bytes] = []
        encoder.begin(wishes, Size(1280, 720))
        assert encoder.add(pixels, Rect(0, 0, 1280, 720), made) == [Rect(0, 0, 1280, 720)]
        counts.append(len(made))
    assert counts == [2, 1]


def test_what_is_said_of_it() -> None:
    """Path and reason of the capture, and pixel formats by name."""
    assert describe_capture("MIT-SHM", None) == "XDamage + MIT-SHM"
    why = "this X server has no MIT-SHM"
    assert describe_capture("GetImage", why) == f"XDamage + GetImage: {why}"
    assert describe_format(BGRX32) is None
    assert describe_format(RGB565) == "16 bit, rgb565"
    assert describe_format(PixelFormat(8, 8, False, True, 7, 7, 3, 0, 3, 6)) == "8 bit, bgr233"


def _talk(server: ServerConnection, client: ClientConnection) -> None:
    for _ in range(6):
        client.receive_data(server.data_to_send())
        server.receive_data(client.data_to_send())
        client.events()
        server.events()
