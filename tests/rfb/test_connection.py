"""Connections: the handshake, and every message in both directions."""

from __future__ import annotations

import struct

import pytest

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.rfb import (
    DEFAULT_ENCODINGS,
    Bell,
    ClientConnection,
    ClientFence,
    ClientInit,
    Connected,
    ContinuousUpdatesEnded,
    EnableContinuousUpdates,
    Encoding,
    Failed,
    FenceFlag,
    FenceReceived,
    FramebufferUpdateRequest,
    KeyEvent,
    NameChanged,
    PointerEvent,
    Rect,
    Resized,
    ResizeReason,
    ResizeStatus,
    ServerConnection,
    SetDesktopSize,
    SetEncodings,
    SetPixelFormat,
    Updated,
    raw,
    rect_desktop_name,
)
from tests.rfb.loopback import Loopback
from tests.rfb.pictures import BGRX32, RGB332, RGB565, alike, noise

WORD = "sesame12"


def test_both_sides_know_each_other_after_the_handshake() -> None:
    """Name, size, pixel format and encodings are told."""
    loop = Loopback((300, 200), pixel_format=RGB565)
    assert loop.first_told[0] == Connected("Übung", 300, 200)
    assert loop.client.framebuffer.shape == (200, 300, 4)
    assert loop.first_heard == [
        ClientInit(shared=True),
        SetPixelFormat(RGB565),
        SetEncodings(DEFAULT_ENCODINGS),
    ]
    assert loop.server.pixel_format == RGB565
    assert loop.server.encodings == set(DEFAULT_ENCODINGS)
    assert loop.server.jpeg_quality is None
    assert loop.server.compression == 1


def test_levels_are_read_from_the_offer() -> None:
    """Quality and compression come as pseudo-encodings."""
    loop = Loopback(encodings=(Encoding.TIGHT, -32 + 7, -256 + 4))
    assert (loop.server.jpeg_quality, loop.server.compression) == (7, 4)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"RFB 003.003\n", struct.pack(">I", 1)),
        (b"RFB 003.005\n", struct.pack(">I", 1)),
        (b"RFB 003.007\n", b"\x01\x01"),
        (b"RFB 003.008\n", b"\x01\x01"),
        (b"RFB 003.889\n", b"\x01\x01"),
    ],
)
def test_older_and_odd_clients_are_served(line: bytes, answer: bytes) -> None:
    """Versions 3.3 and 3.7 get their own handshake, Apple's number that of 3.8."""
    server = ServerConnection("name", (64, 64))
    assert server.data_to_send() == b"RFB 003.008\n"
    server.receive_data(line)
    assert server.data_to_send() == answer
    if answer != struct.pack(">I", 1):
        server.receive_data(b"\x01")
        result = server.data_to_send()
        assert result == (b"" if line == b"RFB 003.007\n" else bytes(4))
    server.receive_data(b"\x00")
    assert server.state == "running"
    assert server.events() == [ClientInit(shared=False)]
    assert server.data_to_send().startswith(struct.pack(">HH", 64, 64) + BGRX32.pack())


@pytest.mark.parametrize("version", [b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 005.000\n"])
def test_our_client_speaks_with_older_and_newer_servers(version: bytes) -> None:
    """It goes down to what the server has, and stays at 3.8 with what is newer."""
    client = ClientConnection()
    client.receive_data(version)
    if version == b"RFB 003.003\n":
        assert client.data_to_send() == version
        client.receive_data(struct.pack(">I", 1))
    else:
        assert client.data_to_send() == min(version, b"RFB 003.008\n")
        client.receive_data(b"\x02\x13\x01" + (b"" if b"7" in version else bytes(4)))
        assert client.data_to_send() == b"\x01\x01"
    client.receive_data(struct.pack(">HH", 9, 8) + BGRX32.pack() + struct.pack(">I", 2) + b"hi")
    assert client.events() == [Connected("hi", 9, 8)]


@pytest.mark.parametrize("version", [b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n"])
@pytest.mark.parametrize("right", [True, False])
def test_passwords_are_asked_for_in_every_version(version: bytes, right: bool) -> None:
    """The right one opens, a wrong one ends both sides."""
    server = ServerConnection("name", (64, 64), password=WORD)
    client = ClientConnection(password=WORD if right else WORD.upper())
    server.data_to_send()
    client.receive_data(version)
    for _ in range(6):
        server.receive_data(client.data_to_send())
        client.receive_data(server.data_to_send())
    if right:
        assert (server.state, client.state) == ("running", "running")
        return
    assert (server.state, client.state) == ("failed", "failed")
    assert server.error == "The password is wrong."
    (failed,) = client.events()
    assert isinstance(failed, Failed)
    reason = "The password is wrong." if version == b"RFB 003.008\n" else "authentication failed"
    assert failed.message == client.error == f"The server refuses: {reason}"


def test_long_passwords_are_cut_as_everywhere() -> None:
    """Eight characters count."""
    loop = Loopback(password=WORD + " and more", client_password=WORD)
    assert loop.server.state == "running"


def test_no_password_where_one_is_asked_for() -> None:
    """Client and server say what is missing."""
    server = ServerConnection("name", (64, 64), password=WORD)
    client = ClientConnection()
    client.receive_data(server.data_to_send())
    server.receive_data(client.data_to_send())
    client.receive_data(server.data_to_send())
    assert client.error == "The server asks for a password."
    server.receive_data(b"\x01")
    assert server.error == "Security type 1 was not offered."


@pytest.mark.parametrize("password", ["", "Пароль"])
def test_passwords_that_cannot_be(password: str) -> None:
    """Empty ones and those that no viewer can send are refused before a connection."""
    with pytest.raises(UsageError):
        ServerConnection("name", (64, 64), password=password)


@pytest.mark.parametrize("reason", [b"too many attempts", b""])
def test_the_reason_of_a_refusal_is_told(reason: bytes) -> None:
    """A server that offers nothing says why."""
    client = ClientConnection()
    client.receive_data(b"RFB 003.008\n\x00" + struct.pack(">I", len(reason)) + reason)
    assert client.error == f"The server refuses: {reason.decode()}"


def test_a_stream_that_ends_early() -> None:
    """In the handshake that is a failure, later an end."""
    client = ClientConnection()
    client.receive_eof()
    assert client.state == "failed"
    loop = Loopback()
    loop.client.receive_eof()
    loop.server.receive_eof()
    assert (loop.client.state, loop.server.state) == ("closed", "closed")
    assert (loop.client.error, loop.server.error) == (None, None)
    loop.server.send_bell()
    assert loop.server.data_to_send() == b""


def test_input_arrives_as_it_was_sent() -> None:
    """Keys with and without keycode, buttons up to the ninth."""
    loop = Loopback()
    loop.client.key(0xFF0D, down=True, keycode=0x1C)
    loop.client.pointer(1, 2, 0x7F)
    loop.server.send_update([])  # carries the announcement of both extensions
    loop.server.send_update(raw.encode(noise(1, 1), 0, 0, BGRX32))
    heard, _ = loop.exchange()
    assert heard == [KeyEvent(0xFF0D, down=True), PointerEvent(1, 2, 0x7F)]
    loop.client.key(0xFF0D, down=False, keycode=0x1C)
    loop.client.key(0x1000434, down=True)
    loop.client.pointer(60, 40, 0x1FF)
    loop.client.pointer(60, 40, 0x01)
    heard, _ = loop.exchange()
    assert heard == [
        KeyEvent(0xFF0D, down=False, keycode=0x1C),
        KeyEvent(0x1000434, down=True),
        PointerEvent(60, 40, 0x1FF),
        PointerEvent(60, 40, 0x01),
    ]


def test_the_eighth_button_of_a_client_without_the_extension() -> None:
    """The highest bit is a button when nobody agreed on a marker."""
    loop = Loopback(encodings=(Encoding.RAW,))
    loop.client.pointer(1, 2, 0x81)
    assert loop.exchange()[0] == [PointerEvent(1, 2, 0x81)]


def test_requests_and_continuous_updates() -> None:
    """Areas arrive; switching off is confirmed at once."""
    loop = Loopback()
    assert ContinuousUpdatesEnded() in loop.first_told
    loop.client.request_update(area=Rect(1, 2, 3, 4))
    loop.client.enable_continuous_updates()
    heard, told = loop.exchange()
    assert heard == [
        FramebufferUpdateRequest(True, 1, 2, 3, 4),
        EnableContinuousUpdates(True, 0, 0, 64, 48),
    ]
    assert told == []
    assert loop.server.continuous_updates
    loop.client.enable_continuous_updates(enable=False)
    assert loop.exchange()[1] == [ContinuousUpdatesEnded()]
    assert not loop.server.continuous_updates


def test_fences_are_answered_and_come_back() -> None:
    """Both sides answer by themselves; unknown flags are left out."""
    loop = Loopback()
    loop.server.send_fence(FenceFlag.REQUEST | FenceFlag.BLOCK_BEFORE | 1 << 9, b"ping")
    assert loop.exchange()[0] == [ClientFence(FenceFlag.BLOCK_BEFORE, b"ping")]
    assert loop.client.fence(FenceFlag.BLOCK_AFTER, b"x" * 64)
    assert loop.exchange()[1] == [FenceReceived(FenceFlag.BLOCK_AFTER, b"x" * 64)]


def test_a_fence_that_is_to_wait_is_passed_on() -> None:
    """With BlockBefore the caller answers; others are answered at once."""
    loop = Loopback()
    loop.server.defer_fences = True
    loop.client.key(ord("a"), down=True)
    assert loop.client.fence(FenceFlag.BLOCK_BEFORE, b"later")
    assert loop.client.fence(FenceFlag.BLOCK_AFTER, b"now")
    at_server, at_client = loop.exchange()
    fence = ClientFence(FenceFlag.REQUEST | FenceFlag.BLOCK_BEFORE, b"later")
    assert at_server == [KeyEvent(ord("a"), True), fence]
    assert at_client == [FenceReceived(FenceFlag.BLOCK_AFTER, b"now")]
    loop.server.answer_fence(fence)
    assert loop.exchange()[1] == [FenceReceived(FenceFlag.BLOCK_BEFORE, b"later")]


def test_a_fence_for_the_next_message_is_answered_after_it() -> None:
    """SyncNext: what comes after the answer has the new pixel format."""
    loop = Loopback()
    loop.client.fence(FenceFlag.SYNC_NEXT, b"format")
    loop.server.receive_data(loop.client.data_to_send())
    assert loop.server.data_to_send() == b""
    loop.server.receive_data(bytes(4) + RGB332.pack())
    assert loop.server.pixel_format == RGB332
    assert loop.server.data_to_send().endswith(b"format")


def test_bell_and_name() -> None:
    """Both reach the client."""
    loop = Loopback()
    loop.server.send_bell()
    loop.server.send_update([rect_desktop_name("новое имя")])
    _, told = loop.exchange()
    assert [event for event in told if not isinstance(event, Updated)] == [
        Bell(),
        NameChanged("новое имя"),
    ]
    assert loop.client.name == "новое имя"


def test_the_size_is_told_with_each_full_request() -> None:
    """By that, clients learn that they may ask for another size."""
    loop = Loopback()
    assert not loop.client.set_desktop_size(100, 80)
    loop.client.request_update(incremental=False)
    assert Resized(64, 48, 0, 0, ((0, 0, 0, 64, 48, 0),)) in loop.exchange()[1]
    assert loop.client.set_desktop_size(100, 80)
    assert loop.exchange()[0] == [SetDesktopSize(100, 80, ((0, 0, 0, 100, 80, 0),))]


@pytest.mark.parametrize("encoding", [Encoding.DESKTOP_SIZE, Encoding.EXTENDED_DESKTOP_SIZE])
def test_a_new_size_keeps_what_both_have(encoding: Encoding) -> None:
    """The framebuffer grows and shrinks, pixels in common stay."""
    loop = Loopback(encodings=(Encoding.RAW, encoding))
    pixels = noise(64, 48)
    loop.update(raw.encode(pixels, 0, 0, BGRX32))
    for width, height in ((100, 40), (50, 60)):
        assert loop.server.resize((width, height), ResizeReason.OTHER_CLIENT)
        _, told = loop.exchange()
        (resized,) = (event for event in told if isinstance(event, Resized))
        assert (resized.width, resized.height) == (width, height)
        assert loop.client.framebuffer.shape == (height, width, 4)
        assert loop.server.size == (width, height)
        assert alike(loop.client.framebuffer[:40, :50], pixels[:40, :50])


def test_clients_that_cannot_resize_are_left_alone() -> None:
    """The server says so, and keeps the size that the client knows."""
    loop = Loopback(encodings=(Encoding.RAW,))
    assert not loop.server.resize((100, 80))
    assert loop.server.size == (64, 48)
    assert loop.exchange()[1] == []


def test_a_size_set_before_the_handshake_is_over() -> None:
    """A screen that changes while a viewer connects is told in ServerInit."""
    server = ServerConnection("name", (64, 64))
    assert server.resize((80, 70))
    server.receive_data(b"RFB 003.008\n\x01\x01")
    assert struct.pack(">HH", 80, 70) + BGRX32.pack() in server.data_to_send()


def test_a_refused_size_changes_nothing() -> None:
    """The client hears the status, its framebuffer stays."""
    loop = Loopback()
    loop.server.refuse_resize(ResizeStatus.OUT_OF_RESOURCES)
    _, told = loop.exchange()
    (resized,) = (event for event in told if isinstance(event, Resized))
    assert (resized.width, resized.height, resized.status) == (64, 48, 2)


def test_a_late_change_of_format_applies_to_what_follows() -> None:
    """The server's format is the client's last."""
    loop = Loopback()
    loop.server.receive_data(bytes(4) + RGB565.pack())
    assert loop.server.pixel_format == RGB565
    assert loop.server.events() == [SetPixelFormat(RGB565)]
