"""Talking to a sidecar through its socket: blocking calls, and the two streams for a loop."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Any

from tornado.iostream import IOStream, StreamClosedError

from jupyter_xdisplay.errors import Unreachable, XDisplayError, error_from_json
from jupyter_xdisplay.spec import DisplayInfo, Size, ViewerInfo, VncAccess
from jupyter_xdisplay.unix_http import refuse_links, request

MAX_HEADER_BYTES = 16 * 1024
UPGRADE_TIMEOUT_S = 15.0
"""Longer than the sidecar waits for an RFB server that starts."""

SETTLED_TIMEOUT_S = 3.0
"""Asked after each cell: a sidecar that hangs must not hold up the kernel."""

READ_CHUNK_BYTES = 256 * 1024
"""Most frames in one piece: browsers take few large messages with less work than many."""

MAX_LINE_BYTES = 4 * 1024 * 1024
UPGRADE = (
    "GET /rfb?window={window}&view_only={view_only:d} HTTP/1.1\r\n"
    "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: rfb\r\n\r\n"
)
# HTTP/1.0, so that the answer comes without chunks
EVENTS = b"GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n"


class SidecarClient:
    """Blocking calls to one sidecar. Each raises an `XDisplayError`.

    Parameters
    ----------
    path
        `DisplayInfo.socket`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)

    def info(self) -> DisplayInfo:
        """Return the display as it is now."""
        return _info(request(self.path, "GET", "/info"))

    def settled_info(self) -> DisplayInfo:
        """Return the display with all windows that programs have mapped so far.

        Windows are there when the window manager has handled them; without it waiting for that,
        those of the last milliseconds are missing.
        """
        return _info(request(self.path, "GET", "/info?settled=1", timeout_s=SETTLED_TIMEOUT_S))

    def screenshot(self, timeout_s: float = 30.0) -> bytes:
        """Return the screen as PNG."""
        return request(self.path, "GET", "/screenshot", timeout_s=timeout_s)

    def resize(self, size: Size) -> DisplayInfo:
        """Give the screen another size in pixels."""
        return self._act("resize", {"size": str(size)})

    def window_screenshot(self, window: int, timeout_s: float = 30.0, *, pid: int = 0) -> bytes:
        """Return a top-level window, its dialogs and pop-ups as PNG.

        Of a window that has closed: its last picture, if `follow_windows` was called before. With
        `pid` that of this process: X gives the ids of windows again.
        """
        return request(self.path, "GET", f"/windows/{window}?pid={pid}", timeout_s=timeout_s)

    def resize_window(self, window: int, size: Size) -> DisplayInfo:
        """Ask a window's program for another size in pixels."""
        return self._act(f"windows/{window}", {"size": str(size)})

    def close_window(
        self, window: int, *, force: bool = False, keep: Iterable[int] = ()
    ) -> DisplayInfo:
        """Ask a window's program to close it (WM_DELETE_WINDOW); with `force` end that program.

        Raises
        ------
        KernelConnected
            When the program that is to be ended is one of the process ids in `keep`.
        """
        if not force:
            return _info(request(self.path, "DELETE", f"/windows/{window}"))
        body = {"keep": list(keep)}
        return _info(request(self.path, "DELETE", f"/windows/{window}?force=1", body))

    def clear(self, keep: Iterable[int] = ()) -> DisplayInfo:
        """Close the windows of all programs but those of the process ids in `keep`."""
        return self._act("clear", {"keep": list(keep)})

    def park(self, keep: Iterable[int] = ()) -> DisplayInfo:
        """Close all other programs and stop the RFB server."""
        return self._act("park", {"keep": list(keep)})

    def unpark(self) -> DisplayInfo:
        """Take a parked display into use again."""
        return self._act("unpark")

    def follow_windows(self) -> DisplayInfo:
        """Keep what covered windows draw, and the last picture of each window that closes."""
        return self._act("follow")

    def viewers(self) -> list[ViewerInfo]:
        """Return what each viewer gets; x11vnc tells nothing of its viewers."""
        return list(map(ViewerInfo.from_json, json.loads(request(self.path, "GET", "/viewers"))))

    def open_vnc(
        self,
        *,
        port: int | None = None,
        listen: str | None = None,
        password: str | None = None,
        view_only: bool = False,
    ) -> VncAccess:
        """Open a VNC port; None is chosen there. Return what somebody needs to connect.

        Raises
        ------
        UsageError
            When it cannot be opened so, or is open otherwise already.
        """
        asked = {"port": port, "listen": listen, "password": password, "view_only": view_only}
        return VncAccess(**json.loads(request(self.path, "POST", "/vnc", asked)))

    def close_vnc(self) -> DisplayInfo:
        """Close the VNC port; its viewers are disconnected."""
        return _info(request(self.path, "DELETE", "/vnc"))

    def stop(self) -> DisplayInfo:
        """End the sidecar, its X server and all that it runs."""
        return self._act("stop")

    def open_rfb(
        self, timeout_s: float = 10.0, *, window: int = 0, view_only: bool = False
    ) -> socket.socket:
        """Return a blocking socket that carries RFB bytes, of the screen or of one window.

        Raises
        ------
        WindowNotFound
            When there is no such window.
        XDisplayError
            When there is no RFB server.
        """
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(timeout_s)
        try:
            refuse_links(self.path)
            stream.connect(self.path)
            _upgrade(stream, UPGRADE.format(window=window, view_only=view_only))
        except OSError as error:
            stream.close()
            raise _gone(self.path, error) from error
        except BaseException:
            stream.close()
            raise
        stream.settimeout(None)
        return stream

    def _act(self, action: str, body: dict[str, Any] | None = None) -> DisplayInfo:
        return _info(request(self.path, "POST", f"/{action}", body or {}))


def _upgrade(stream: socket.socket, request_text: str) -> None:
    """Ask for RFB and read the answer's head, byte by byte: what follows belongs to RFB."""
    stream.sendall(request_text.encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        if not byte or len(head) > MAX_HEADER_BYTES:
            break
        head += byte
    if _status(head) != 101:
        raise _refused(head + stream.recv(MAX_HEADER_BYTES))


async def open_rfb(path: str, window: int = 0, *, view_only: bool = False) -> IOStream:
    """Return a stream that carries RFB bytes, of the screen or of one window.

    Raises
    ------
    WindowNotFound
        When there is no such window.
    XDisplayError
        When there is no sidecar or no RFB server.
    """
    stream = await _connect(path)
    try:
        request_text = UPGRADE.format(window=window, view_only=view_only)
        await asyncio.wait_for(_upgrade_stream(stream, request_text), UPGRADE_TIMEOUT_S)
    except (StreamClosedError, OSError, asyncio.TimeoutError) as error:
        stream.close()
        raise _gone(path, error) from error
    except BaseException:
        stream.close()
        raise
    return stream


async def _upgrade_stream(stream: IOStream, request_text: str) -> None:
    await stream.write(request_text.encode())
    head = await stream.read_until(b"\r\n\r\n", max_bytes=MAX_HEADER_BYTES)
    if _status(head) != 101:
        # not until the connection closes: HTTP/1.1 keeps it
        length = re.search(rb"\r\n[Cc]ontent-[Ll]ength: *([0-9]{1,6})\r\n", head)
        raise _refused(head + await stream.read_bytes(int(length[1]) if length else 0))


async def watch(path: str) -> AsyncGenerator[DisplayInfo, None]:
    """Yield the display now and at every change; end with the sidecar.

    Raises
    ------
    Unreachable
        When there is no sidecar.
    """
    stream = await _connect(path)
    try:
        await stream.write(EVENTS)
        await stream.read_until(b"\r\n\r\n", max_bytes=MAX_HEADER_BYTES)
        while True:
            yield _info(await stream.read_until(b"\n", max_bytes=MAX_LINE_BYTES))
    except StreamClosedError:
        return
    finally:
        stream.close()


async def _connect(path: str) -> IOStream:
    stream = IOStream(
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), read_chunk_size=READ_CHUNK_BYTES
    )
    try:
        refuse_links(path)
        # typed for TCP addresses; Unix sockets take a path
        await stream.connect(path)
    except (StreamClosedError, OSError) as error:
        raise _gone(path, error) from error
    return stream


def _info(answer: bytes) -> DisplayInfo:
    """Read what a sidecar says; one in a container may be no sidecar of ours any more."""
    try:
        return DisplayInfo.from_json(json.loads(answer))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise XDisplayError(
            f"What the sidecar says of its display cannot be read: {error!r}.", fix="%xdisplay"
        ) from error


def _status(head: bytes) -> int:
    words = head.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def _refused(answer: bytes) -> Exception:
    try:
        return error_from_json(json.loads(answer.partition(b"\r\n\r\n")[2]))
    except ValueError:
        return Unreachable("The sidecar gives no RFB stream.", fix="%xdisplay doctor")


def _gone(path: str, error: Exception) -> Unreachable:
    return Unreachable(f"No sidecar answers on {path}: {error}.", fix="%xdisplay")
