"""RFB bytes over a comm: a real sidecar, and a widget that records what it is given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import jupyter_xdisplay
from jupyter_xdisplay.kernel import comm_bridge, javascript
from jupyter_xdisplay.kernel.comm_bridge import CommBridge
from jupyter_xdisplay.kernel.local_host import LocalHost
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec, Size
from tests.waiting import wait_until

PACKAGE = Path(jupyter_xdisplay.__file__).parent


class RecordingWidget:
    """The part of a widget that the bridge uses."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self._handler: Callable[..., None] | None = None

    def on_msg(self, handler: Callable[..., None], remove: bool = False) -> None:
        """Take the bridge's handler."""
        self._handler = None if remove else handler

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Record a message for the view."""
        self.sent.append((content, [bytes(buffer) for buffer in buffers]))

    def receive(self, content: dict[str, Any], *buffers: bytes) -> None:
        """Play the view."""
        if self._handler is not None:
            self._handler(self, content, list(buffers))

    def of_kind(self, kind: str, view: str | None = None) -> list[dict[str, Any]]:
        """Return the messages of one kind, to one view."""
        return [c for c, _ in self.sent if c["type"] == kind and c.get("view") == view]

    def data(self, view: str) -> bytes:
        """Return all bytes that a view got."""
        return b"".join(b[0] for c, b in self.sent if c["type"] == "data" and c["view"] == view)


@pytest.fixture
def host(leftovers: Path) -> Iterator[LocalHost]:
    """Give a host inside this process."""
    host = LocalHost()
    yield host
    host.close()


@pytest.fixture
def info(host: LocalHost) -> DisplayInfo:
    """Give a display."""
    return host.create(DisplaySpec(size=Size(320, 240)))


@pytest.fixture
def widget() -> RecordingWidget:
    """Give a widget."""
    return RecordingWidget()


@pytest.fixture
def bridge(widget: RecordingWidget, info: DisplayInfo) -> Iterator[CommBridge]:
    """Give a bridge between the two."""
    bridge = CommBridge(widget, info.socket, lambda: None)  # type: ignore[arg-type]
    yield bridge
    bridge.close()


def handshake(widget: RecordingWidget, view: str) -> None:
    """Open a view and bring RFB to its ServerInit (RFC 6143, 7.1 to 7.3)."""
    widget.receive({"type": "open", "view": view})
    wait_until(lambda: widget.data(view) == b"RFB 003.008\n")
    assert widget.of_kind("opened", view)
    widget.receive({"type": "data", "view": view}, b"RFB 003.008\n")
    wait_until(lambda: widget.data(view)[12:] == b"\x01\x01")
    widget.receive({"type": "data", "view": view}, b"\x01")
    widget.receive({"type": "data", "view": view}, b"\x01")
    wait_until(lambda: len(widget.data(view)) > 12 + 2 + 4 + 24)
    assert widget.data(view)[18:22] == b"\x01\x40\x00\xf0"


def test_a_view_gets_rfb(widget: RecordingWidget, bridge: CommBridge) -> None:
    """The bytes of the RFB server reach the view, and the view's bytes the server."""
    handshake(widget, "a")
    assert bridge.open_views == 1
    widget.receive({"type": "close", "view": "a"})
    wait_until(lambda: widget.of_kind("closed", "a"))
    assert bridge.open_views == 0


def test_views_do_not_mix(widget: RecordingWidget, bridge: CommBridge) -> None:
    """Two views of one widget have connections of their own."""
    handshake(widget, "a")
    handshake(widget, "b")
    widget.receive({"type": "close", "view": "a"})
    wait_until(lambda: widget.of_kind("closed", "a"))
    assert not widget.of_kind("closed", "b")
    assert bridge.open_views == 1


def test_unacknowledged_bytes_are_limited(
    widget: RecordingWidget, bridge: CommBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than the window is on its way; an acknowledgement lets the rest through."""
    monkeypatch.setattr(comm_bridge, "WINDOW", 20_000)
    handshake(widget, "a")
    sent = len(widget.data("a"))
    widget.receive({"type": "ack", "view": "a", "bytes": sent})
    # SetEncodings: raw; FramebufferUpdateRequest: 320x240 at 4 bytes a pixel
    widget.receive({"type": "data", "view": "a"}, b"\x02\x00\x00\x01\x00\x00\x00\x00")
    widget.receive({"type": "data", "view": "a"}, b"\x03\x00\x00\x00\x00\x00\x01\x40\x00\xf0")
    wait_until(lambda: len(widget.data("a")) - sent == 20_000)
    for done in range(20_000, 320 * 240 * 4, 20_000):
        wait_until(lambda done=done: len(widget.data("a")) - sent >= done)  # type: ignore[misc]
        assert len(widget.data("a")) - sent == done
        widget.receive({"type": "ack", "view": "a", "bytes": 20_000})


def test_watchers_are_told_every_change(
    widget: RecordingWidget, bridge: CommBridge, host: LocalHost, info: DisplayInfo
) -> None:
    """`watch` gives the display now, then each change, and in the end why it ended."""
    widget.receive({"type": "watch"})
    wait_until(lambda: widget.of_kind("info"))
    assert widget.of_kind("info")[0]["info"]["id"] == info.id
    count = len(widget.of_kind("info"))
    widget.receive({"type": "watch"})
    wait_until(lambda: len(widget.of_kind("info")) > count)
    host.stop(info.id)
    wait_until(lambda: widget.of_kind("info")[-1]["info"]["state"] == "ended")


def test_views_are_closed_with_the_display(
    widget: RecordingWidget, bridge: CommBridge, host: LocalHost, info: DisplayInfo
) -> None:
    """When the display ends, views are told that their connection is closed."""
    handshake(widget, "a")
    host.stop(info.id)
    wait_until(lambda: widget.of_kind("closed", "a"))
    widget.receive({"type": "open", "view": "b"})
    wait_until(lambda: widget.of_kind("closed", "b"))
    assert widget.of_kind("closed", "b")[0]["reason"]


def test_close_ends_all_threads(widget: RecordingWidget, bridge: CommBridge) -> None:
    """After `close` no connection and no thread of the bridge is left."""
    handshake(widget, "a")
    widget.receive({"type": "watch"})
    bridge.close()
    names = ("xdisplay-view", "xdisplay-input", "xdisplay-watch")
    wait_until(lambda: not [t for t in threading.enumerate() if t.name.startswith(names)])
    wait_until(lambda: widget.of_kind("closed", "a"))
    widget.receive({"type": "open", "view": "b"})
    assert not widget.of_kind("opened", "b")


def test_a_page_gets_the_views_javascript(widget: RecordingWidget, bridge: CommBridge) -> None:
    """Asked for it, the kernel sends the whole bundle in one buffer, as it was built."""
    widget.receive({"type": "bundle"})
    ((content, buffers),) = widget.sent
    assert content == {"type": "bundle"}
    assert buffers == [(PACKAGE / "static" / "widget.js").read_bytes()]


def test_javascript_that_was_not_built(
    widget: RecordingWidget, bridge: CommBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is told what is missing, and how to build it."""
    monkeypatch.setattr(javascript, "files", lambda _: Path("/nowhere"))
    widget.receive({"type": "bundle"})
    ((content, buffers),) = widget.sent
    assert buffers == []
    assert "widget.js" in content["problem"]["message"]
    assert "make setup" in content["problem"]["fix"]


def test_stop_is_passed_on(widget: RecordingWidget, info: DisplayInfo) -> None:
    """A view's wish to stop the display is passed on."""
    asked = []
    bridge = CommBridge(widget, info.socket, lambda: asked.append(1))  # type: ignore[arg-type]
    widget.receive({"type": "stop"})
    assert asked == [1]
    bridge.close()


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "data", "view": "nobody"},
        {"type": "ack", "view": "a", "bytes": "x"},
        {"type": "ack", "view": "a", "bytes": -5},
        {"type": "close"},
        {"type": ["a"]},
        {"type": "open", "view": "x" * 1000},
        "text",
        None,
    ],
)
def test_nonsense_is_ignored(widget: RecordingWidget, bridge: CommBridge, message: Any) -> None:
    """Messages that make no sense change nothing."""
    handshake(widget, "a")
    widget.receive(message)
    widget.receive({"type": "data", "view": "a"})
    assert not widget.of_kind("closed", "a")


def test_too_much_input_closes_the_view(
    widget: RecordingWidget, bridge: CommBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message longer than any clipboard closes the view that sent it."""
    monkeypatch.setattr(comm_bridge, "MAX_INPUT", 100)
    handshake(widget, "a")
    widget.receive({"type": "data", "view": "a"}, b"x" * 101)
    wait_until(lambda: widget.of_kind("closed", "a"))


def test_too_many_views(
    widget: RecordingWidget, bridge: CommBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the most views, another one is refused with the reason."""
    monkeypatch.setattr(comm_bridge, "MAX_VIEWS", 1)
    handshake(widget, "a")
    widget.receive({"type": "open", "view": "b"})
    assert widget.of_kind("closed", "b")[0]["reason"] == "too many views"
