"""Properties of both parsers: chunking changes nothing, and garbage ends in a clean error."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_xdisplay.rfb import (
    BGRX32,
    ClientConnection,
    CursorChanged,
    EncoderState,
    Encoding,
    ServerConnection,
    raw,
    tight,
)
from jupyter_xdisplay.rfb import clipboard as cut
from jupyter_xdisplay.rfb.constants import ClientMessageType, ServerMessageType
from jupyter_xdisplay.rfb.encodings.rect import header
from jupyter_xdisplay.rfb.limits import MAX_CLIPBOARD_BYTES
from tests.rfb.pictures import FORMATS, noise
from tests.rfb.streams import SIZE, client_stream, server_hello, server_stream

CLIENT_HELLO = b"RFB 003.008\n\x01\x01"
SERVER_HELLO = server_hello()
MOST_BUFFERED = MAX_CLIPBOARD_BYTES + (1 << 20)

SETTINGS = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.data_too_large]
)


def _chunks(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Yield the data cut at these places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    for start, end in itertools.pairwise(places):
        yield data[start:end]


@SETTINGS
@given(cuts=st.lists(st.integers(0, 1 << 20), max_size=40))
def test_the_server_hears_the_same_in_any_chunking(cuts: list[int]) -> None:
    """All kinds of client messages, cut anywhere."""
    whole = ServerConnection("name", SIZE)
    whole.receive_data(client_stream())
    expected = whole.events()
    assert whole.error is None
    assert len({type(event) for event in expected}) >= 9
    parted = ServerConnection("name", SIZE)
    found = []
    for chunk in _chunks(client_stream(), cuts):
        parted.receive_data(chunk)
        found += parted.events()
    assert found == expected
    assert parted.data_to_send() == whole.data_to_send()


@SETTINGS
@given(cuts=st.lists(st.integers(0, 1 << 20), max_size=40))
def test_the_client_hears_the_same_in_any_chunking(cuts: list[int]) -> None:
    """All encodings and kinds of server messages, cut anywhere."""
    whole, parted = ClientConnection(), ClientConnection()
    whole.receive_data(server_stream())
    expected = whole.events()
    assert whole.error is None
    found = []
    for chunk in _chunks(server_stream(), cuts):
        parted.receive_data(chunk)
        found += parted.events()
    shown = [event for event in found if not isinstance(event, CursorChanged)]
    assert shown == [event for event in expected if not isinstance(event, CursorChanged)]
    assert len(found) == len(expected)
    assert (parted.framebuffer == whole.framebuffer).all()
    assert parted.data_to_send() == whole.data_to_send()


def test_byte_by_byte() -> None:
    """The finest chunking of all."""
    server, client = ServerConnection("name", SIZE), ClientConnection()
    for byte in client_stream():
        server.receive_data(bytes([byte]))
    for byte in server_stream():
        client.receive_data(bytes([byte]))
    assert (server.error, client.error) == (None, None)


_TYPES = st.sampled_from([bytes([kind]) for kind in (*ClientMessageType, *ServerMessageType)])
_HEADERS = st.builds(
    header,
    st.integers(0, 70),
    st.integers(0, 50),
    st.integers(0, 70),
    st.integers(0, 50),
    st.sampled_from([*Encoding, 5, 21]),
)
_GARBAGE = st.lists(
    st.one_of(
        st.binary(max_size=300),
        _TYPES,
        st.builds(lambda head, data: b"\0\0\0\1" + head + data, _HEADERS, st.binary(max_size=99)),
        st.integers(0, 0xFFFFFFFF).map(struct.Struct(">I").pack),
    ),
    max_size=30,
).map(b"".join)


@settings(SETTINGS, max_examples=500)
@given(data=_GARBAGE, hello=st.booleans())
def test_garbage_ends_a_server_connection_cleanly(data: bytes, hello: bool) -> None:
    """No exception, no memory beyond what one message may have, a reason when it failed."""
    server = ServerConnection("name", SIZE)
    setup = struct.pack(">BxHii", 2, 2, Encoding.EXTENDED_CLIPBOARD, -316)
    server.receive_data((CLIENT_HELLO + setup if hello else b"") + data)
    _check(server)


@settings(SETTINGS, max_examples=500)
@given(data=_GARBAGE, hello=st.booleans(), name=st.sampled_from(sorted(FORMATS)))
def test_garbage_ends_a_client_connection_cleanly(data: bytes, hello: bool, name: str) -> None:
    """The same for the client, in every pixel format."""
    client = ClientConnection(pixel_format=FORMATS[name])
    client.receive_data((SERVER_HELLO if hello else b"") + data)
    _check(client)


@settings(SETTINGS, max_examples=300)
@given(
    places=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 255)), max_size=6),
    at_client=st.booleans(),
)
def test_a_damaged_stream_ends_cleanly(places: list[tuple[int, int]], at_client: bool) -> None:
    """Bits that flipped in a good stream are errors or other pixels, never exceptions."""
    data = bytearray(server_stream() if at_client else client_stream())
    for place, bits in places:
        data[place % len(data)] ^= bits
    connection = ClientConnection() if at_client else ServerConnection("name", SIZE)
    connection.receive_data(bytes(data))
    _check(connection)


def _check(connection: ServerConnection | ClientConnection) -> None:
    assert connection.state in {"handshake", "running", "failed"}
    assert (connection.state == "failed") == (connection.error is not None)
    assert len(connection._reader) <= MOST_BUFFERED
    connection.events()
    connection.receive_data(b"more")
    connection.receive_eof()


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200",
        b"RFB 004.x01\n",
        CLIENT_HELLO + b"\x07",
        CLIENT_HELLO + b"\0\0\0\0" + bytes(16),
        CLIENT_HELLO + b"\2\0\xff\xff",
        CLIENT_HELLO + b"\xff\x01",
        CLIENT_HELLO + b"\xf8\0\0\0\0\0\0\0\x41",
        CLIENT_HELLO + b"\x06\0\0\0" + struct.pack(">I", 0xFFFFFFF0),
    ],
)
def test_what_a_client_may_not_send(data: bytes) -> None:
    """Each is one sentence, and nothing is waited for."""
    server = ServerConnection("name", SIZE)
    server.receive_data(data)
    assert server.state == "failed"
    assert server.error
    assert len(server._reader) == 0


def _update(rectangle: bytes) -> bytes:
    return SERVER_HELLO + b"\0\0\0\1" + rectangle


_LONGER = EncoderState().tight(0, 9)[0].pack(bytes(1 << 20))


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200",
        SERVER_HELLO + b"\x09",
        b"RFB 003.008\n\x01\x01" + bytes(4) + b"\xff\xff\xff\xff" + BGRX32.pack() + bytes(4),
        _update(header(0, 0, 65, 48, Encoding.RAW)),
        _update(header(0, 0, 9, 9, Encoding.COPY_RECT) + struct.pack(">HH", 60, 0)),
        _update(header(0, 0, 9, 9, 5)),
        _update(header(0, 0, 9000, 9000, Encoding.CURSOR)),
        _update(header(0, 0, 60000, 60000, Encoding.DESKTOP_SIZE)),
        _update(header(0, 0, 9, 9, Encoding.ZRLE) + b"\xff\xff\xff\xff"),
        _update(header(0, 0, 9, 9, Encoding.ZRLE) + b"\0\0\0\4" + b"junk"),
        _update(header(0, 0, 9, 9, Encoding.TIGHT) + b"\xf0"),
        _update(header(0, 0, 9, 9, Encoding.TIGHT) + b"\x40\x03"),
        _update(header(0, 0, 9, 9, Encoding.TIGHT) + b"\x90\x04junk"),
        _update(
            header(0, 0, 9, 9, Encoding.TIGHT)
            + b"\x0f"
            + tight.compact_length(len(_LONGER))
            + _LONGER
        ),
        _update(
            tight.encode_jpeg(noise(10, 10), 0, 0)[0].replace(
                header(0, 0, 10, 10, Encoding.TIGHT), header(0, 0, 9, 9, Encoding.TIGHT)
            )
        ),
    ],
)
def test_what_a_server_may_not_send(data: bytes) -> None:
    """Lengths, places, sizes and streams that cannot be; packed bombs are not unpacked."""
    client = ClientConnection()
    client.receive_data(data)
    assert client.state == "failed"
    assert client.error
    assert len(client._reader) == 0


def test_endless_updates_end() -> None:
    """An update that never says it is over is an error before it fills the memory."""
    client = ClientConnection()
    client.receive_data(SERVER_HELLO + b"\0\0\xff\xff")
    for _ in range(70):
        client.receive_data(raw.encode(noise(0, 0), 0, 0, BGRX32)[0] * 1000)
    assert client.error == "An update does not end."


def test_packed_texts_cannot_fill_the_memory() -> None:
    """Many large texts in few bytes end the connection before the caller sees them all."""
    server = ServerConnection("name", SIZE)
    server.receive_data(CLIENT_HELLO + struct.pack(">BxHi", 2, 1, Encoding.EXTENDED_CLIPBOARD))
    one = b"\x06\0\0\0" + cut.provide("x" * (MAX_CLIPBOARD_BYTES - 1))
    assert len(one) < 1 << 16
    server.receive_data(one * 3)
    assert server.state == "running"
    server.receive_data(one * 30)
    assert server.error == "Too many large messages at once."
