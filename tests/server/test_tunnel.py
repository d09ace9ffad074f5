"""The WebSockets for views: RFB through the real server, and the display's events."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import signal
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from tornado.websocket import WebSocketClientConnection

from jupyter_xdisplay.spec import DisplayInfo
from tests.server.documented import DESCRIPTION, schema
from tests.server.real_server import API, JupyterServer, resident_bytes
from tests.server.rfb_over_websocket import DEADLINE_S, WebSocketViewer
from tests.traces import processes_of
from tests.waiting import until
from tests.xclient import running

UNKNOWN = "0123456789ab"
GREETING = b"RFB 003.008\n"
GROWTH_BYTES = 64 * 1024 * 1024
REQUESTS = 100
ROUNDS = 20


async def _viewer(server: JupyterServer, display_id: str) -> WebSocketViewer:
    return await WebSocketViewer(await server.connect(f"{API}/{display_id}/rfb")).connect()


async def _next(events: WebSocketClientConnection) -> dict[str, Any]:
    """Return the next message of an events socket, held against its description."""
    message = await asyncio.wait_for(events.read_message(), DEADLINE_S)
    assert isinstance(message, str), (message, events.close_code)
    info: dict[str, Any] = json.loads(message)
    schema(DESCRIPTION["components"]["schemas"]["DisplayInfo"]).validate(info)
    return info


async def _viewers(server: JupyterServer, display_id: str, count: int) -> None:
    await until(lambda: server.info(display_id)["viewers"] == count, f"not {count} viewers")


async def test_rfb_comes_through_and_viewers_are_counted(server: JupyterServer) -> None:
    """Greeting, handshake and pixels, as on the display's own socket; viewers come and go."""
    info = server.display()
    one = await _viewer(server, info["id"])
    assert (one.width, one.height) == (320, 240)
    assert info["display"] in one.name
    await one.ask()
    assert await one.update_bytes() >= 320 * 240 * 4
    two = await _viewer(server, info["id"])
    await _viewers(server, info["id"], 2)
    one.socket.close()
    await _viewers(server, info["id"], 1)
    await two.ask()
    assert await two.update_bytes() >= 320 * 240 * 4  # the other one's end is not its own
    two.socket.close()
    await _viewers(server, info["id"], 0)


async def test_any_chunking_is_fine_and_text_is_ignored(server: JupyterServer) -> None:
    """One byte a message; text messages are not RFB and change nothing."""
    info = server.display()
    tunnel = await server.connect(f"{API}/{info['id']}/rfb")
    viewer = WebSocketViewer(tunnel)
    await tunnel.write_message("this is not RFB")
    assert await viewer.read(12) == GREETING
    for byte in GREETING:
        await tunnel.write_message("x" * 12)
        await viewer.send(bytes([byte]))
    assert 1 in await viewer.read((await viewer.read(1))[0])
    tunnel.close()


async def test_older_viewers_get_their_subprotocol(server: JupyterServer) -> None:
    """`binary` is accepted; nothing is compressed."""
    info = server.display()
    tunnel = await server.connect(
        f"{API}/{info['id']}/rfb",
        headers={
            "Sec-WebSocket-Protocol": "binary, base64",
            "Sec-WebSocket-Extensions": "permessage-deflate",
        },
    )
    assert tunnel.selected_subprotocol == "binary"
    assert tunnel.headers is not None
    assert "Sec-WebSocket-Extensions" not in tunnel.headers
    tunnel.close()


async def test_a_window_has_a_stream_of_its_own(server: JupyterServer) -> None:
    """Its size, title and pixels; its end closes the stream, and then there is none: 4404."""
    info = server.display(size="800x600")
    with running(DisplayInfo.from_json(info), "window", "--title", "Own"):
        (window,) = await until(lambda: server.info(info["id"])["windows"])
        path = f"{API}/{info['id']}/rfb?window={window['id']}"
        viewer = await WebSocketViewer(await server.connect(path)).connect()
        assert (viewer.width, viewer.height) == (200, 100)
        assert "Own" in viewer.name
        await viewer.ask()
        assert await viewer.update_bytes() == 200 * 100 * 4
        watching = await WebSocketViewer(await server.connect(f"{path}&view_only=1")).connect()
        figures = server.get(f"{API}/{info['id']}/viewers")
        assert sorted(each["view_only"] for each in figures) == [False, True]
    for stream in (viewer.socket, watching.socket):
        while await asyncio.wait_for(stream.read_message(), DEADLINE_S) is not None:
            pass
    await until(lambda: not server.info(info["id"])["windows"])
    late = await server.connect(path)
    assert await asyncio.wait_for(late.read_message(), DEADLINE_S) is None
    assert (late.close_code, "window" in str(late.close_reason)) == (4404, True)


@pytest.mark.parametrize("window", ["abc", "-1", "1.0", "12345678901", "%D9%A1", "", "1%0d%0aX:1"])
async def test_what_is_no_window_closes_with_4404(server: JupyterServer, window: str) -> None:
    """Trying again is of no use; nothing of it reaches the display."""
    info = server.display()
    tunnel = await server.connect(f"{API}/{info['id']}/rfb?window={window}")
    assert await asyncio.wait_for(tunnel.read_message(), DEADLINE_S) is None
    assert (tunnel.close_code, "number" in str(tunnel.close_reason)) == (4404, True)
    assert server.state(info["id"]) == "running"


@pytest.mark.parametrize("kind", ["rfb", "events"])
async def test_an_unknown_display_closes_with_4404(server: JupyterServer, kind: str) -> None:
    """So that a view knows that trying again is of no use."""
    tunnel = await server.connect(f"{API}/{UNKNOWN}/{kind}")
    assert await asyncio.wait_for(tunnel.read_message(), DEADLINE_S) is None
    assert tunnel.close_code == 4404
    assert UNKNOWN in str(tunnel.close_reason)


async def test_the_stream_of_an_ended_display_closes_with_4404(server: JupyterServer) -> None:
    """A stream that is open ends with its display; a new one is told why there is none."""
    info = server.display()
    viewer = await _viewer(server, info["id"])
    server.end_displays()
    while await asyncio.wait_for(viewer.socket.read_message(), DEADLINE_S) is not None:
        pass
    late = await server.connect(f"{API}/{info['id']}/rfb")
    assert await asyncio.wait_for(late.read_message(), DEADLINE_S) is None
    assert late.close_code == 4404
    assert late.close_reason == server.info(info["id"])["reason"]


async def test_a_restarted_rfb_server_closes_the_stream(server: JupyterServer) -> None:
    """x11vnc killed: the stream closes, the next one works."""
    info = server.display(stream="x11vnc")
    viewer = await _viewer(server, info["id"])
    pids = {name: pid for pid, name in processes_of(Path(info["socket"]).parent).items()}
    os.kill(pids["x11vnc"], signal.SIGKILL)
    while await asyncio.wait_for(viewer.socket.read_message(), DEADLINE_S) is not None:
        pass
    again = await _viewer(server, info["id"])
    await again.ask()
    assert await again.update_bytes() >= 320 * 240 * 4
    again.socket.close()


@pytest.mark.parametrize("stream", ["x11vnc", "builtin"])
async def test_a_viewer_that_never_reads_costs_no_memory(
    server: JupyterServer, stream: str
) -> None:
    """What it asks for waits in the display's RFB server; others are served meanwhile.

    x11vnc does one thing at a time: there, others are the viewers of other displays.
    """
    info = server.display(size="1280x800", stream=stream)
    served = info if stream == "builtin" else server.display(name="other")
    other = await _viewer(server, served["id"])
    before = resident_bytes(server.process.pid)
    with _deaf_viewer(server, info["id"]) as deaf:
        await _viewers(server, info["id"], 2 if served is info else 1)
        for _ in range(ROUNDS):
            _ask_for_frames(deaf)
            await other.ask()
            assert await other.update_bytes() >= 320 * 240 * 4
            grown = resident_bytes(server.process.pid) - before
            assert grown < GROWTH_BYTES, f"{grown >> 20} MiB more"
    other.socket.close()
    await _viewers(server, info["id"], 0)


async def test_events_tell_the_display_now_and_at_every_change(server: JupyterServer) -> None:
    """The first message at once; then windows, size and viewers as they change."""
    info = server.display()
    events = await server.connect(f"{API}/{info['id']}/events")
    first = await _next(events)
    assert (first["id"], first["windows"]) == (info["id"], [])
    await events.write_message("nobody listens")
    with running(DisplayInfo.from_json(info), "window", "--title", "Hello"):
        while [window["title"] for window in (await _next(events))["windows"]] != ["Hello"]:
            pass
    while (await _next(events))["windows"]:
        pass
    server.post(f"{API}/{info['id']}/resize", {"size": "400x300"})
    while (await _next(events))["size"] != [400, 300]:
        pass
    viewer = await _viewer(server, info["id"])
    while (await _next(events))["viewers"] != 1:
        pass
    viewer.socket.close()
    events.close()


async def test_the_last_event_says_why_it_ended(server: JupyterServer) -> None:
    """State "ended" with reason and fix, then close 1000; who comes later is told the same."""
    info = server.display()
    events = await server.connect(f"{API}/{info['id']}/events")
    await _next(events)
    pids = {name: pid for pid, name in processes_of(Path(info["socket"]).parent).items()}
    os.kill(pids["Xvfb"], signal.SIGKILL)
    for told in (events, None):
        late = told or await server.connect(f"{API}/{info['id']}/events")
        while (last := await _next(late))["state"] != "ended":
            pass
        assert "SIGKILL" in last["reason"]
        assert last["fix"]
        assert await asyncio.wait_for(late.read_message(), DEADLINE_S) is None
        assert late.close_code == 1000


def _deaf_viewer(server: JupyterServer, display_id: str) -> socket.socket:
    """Return a viewer's connection after its handshakes, from which nobody reads any more."""
    stream = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    stream.sendall(
        f"GET {server.base_url}{API}/{display_id}/rfb HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{server.port}\r\nAuthorization: token {server.token}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    while b"\r\n\r\n" not in stream.recv(4096, socket.MSG_PEEK):
        pass
    for message in (GREETING, b"\x01", b"\x01", struct.pack(">BxHi", 2, 1, 0)):
        _send(stream, message)
    return stream


def _ask_for_frames(stream: socket.socket) -> None:
    """Ask for many whole frames: gigabytes of pixels, if anybody kept them."""
    request = struct.pack(">BBHHHH", 3, 0, 0, 0, 1280, 800)
    stream.settimeout(0.5)
    try:
        _send(stream, request * REQUESTS)
    except TimeoutError:  # backpressure, also this way
        return


def _send(stream: socket.socket, data: bytes) -> None:
    """Send a binary message, masked with zeros (RFC 6455, 5.2)."""
    stream.sendall(struct.pack(">BBH4x", 0x82, 0x80 | 126, len(data)) + data)
