"""A real RFB server of one picture: `ServerConnection` on a socket, one thread per viewer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from jupyter_xdisplay.rfb import (
    ClientMessage,
    EncoderState,
    Encoding,
    FramebufferUpdateRequest,
    PixelFormat,
    Pixels,
    ResizeReason,
    ServerConnection,
    SetDesktopSize,
    SetEncodings,
    raw,
    tight,
    zrle,
)
from tests.rfb.pictures import smooth

Encode = Callable[[Pixels, PixelFormat, ServerConnection, EncoderState], list[bytes]]


def as_raw(
    pixels: Pixels, pixel_format: PixelFormat, connection: ServerConnection, state: EncoderState
) -> list[bytes]:
    """Send raw pixels."""
    return raw.encode(pixels, 0, 0, pixel_format, state)


def as_zrle(
    pixels: Pixels, pixel_format: PixelFormat, connection: ServerConnection, state: EncoderState
) -> list[bytes]:
    """Send ZRLE."""
    assert connection.supports(Encoding.ZRLE)
    return zrle.encode(pixels, 0, 0, pixel_format, state)


def as_tight(
    pixels: Pixels, pixel_format: PixelFormat, connection: ServerConnection, state: EncoderState
) -> list[bytes]:
    """Send Tight: flat parts exactly, the others by JPEG where the viewer asks for it."""
    assert connection.supports(Encoding.TIGHT)
    return tight.encode(pixels, 0, 0, pixel_format, state, connection.jpeg_quality)


class _Session:
    """One viewer."""

    def __init__(self, server: PictureServer, stream: socket.socket) -> None:
        height, width = server.pixels.shape[:2]
        self.connection = ServerConnection("Bild", (width, height), password=server.password)
        self.stream = stream
        self._server = server
        self._state = EncoderState()
        self._shown: Pixels | None = None
        self._asked = False
        self._lock = threading.Lock()

    def run(self) -> None:
        """Serve until the viewer goes or must go."""
        connection = self.connection
        with contextlib.suppress(OSError):
            self.stream.sendall(connection.data_to_send())
            while connection.state in {"handshake", "running"}:
                data = self.stream.recv(65536)
                if not data:
                    break
                with self._lock:
                    connection.receive_data(data)
                    for message in connection.events():
                        self._hear(message)
                self.push()
        if connection.error:
            self._server.errors.append(connection.error)
        self.stream.close()

    def _hear(self, message: ClientMessage) -> None:
        self._server.heard.append(message)
        if isinstance(message, SetEncodings):
            self._state.compression = self.connection.compression
        elif isinstance(message, FramebufferUpdateRequest):
            self._asked = True
            if not message.incremental:
                self._shown = None
        elif isinstance(message, SetDesktopSize):
            size = (message.width, message.height)
            self._server.pixels = self._server.picture_of(*size)
            self.connection.resize(size, ResizeReason.THIS_CLIENT)

    def push(self) -> None:
        """Send the picture where it is wanted and new, and whatever else is to be sent."""
        with self._lock, contextlib.suppress(OSError):
            connection, pixels = self.connection, self._server.pixels
            wanted = self._asked or connection.continuous_updates
            height, width = pixels.shape[:2]
            if connection.state == "running" and connection.size != (width, height):
                assert connection.resize((width, height))
            if wanted and self._shown is not pixels:
                self._shown, self._asked = pixels, False
                connection.send_update(
                    self._server.encode(pixels, connection.pixel_format, connection, self._state)
                )
            self.stream.sendall(connection.data_to_send())


class PictureServer:
    """Serves pictures on a port of the loopback interface until it is closed.

    Parameters
    ----------
    pixels
        What viewers see.
    encode
        How they get it.
    password
        Asks for VNC Authentication.
    """

    def __init__(
        self, pixels: Pixels, encode: Encode = as_tight, *, password: str | None = None
    ) -> None:
        self.pixels = pixels
        self.encode = encode
        self.picture_of: Callable[[int, int], Pixels] = smooth
        """Makes the picture of a size that a viewer asks for."""
        self.password = password
        self.heard: list[ClientMessage] = []
        self.errors: list[str] = []
        self._sessions: list[_Session] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self._listener.getsockname()[1])

    @property
    def connections(self) -> list[ServerConnection]:
        """The connections of all viewers so far."""
        return [session.connection for session in self._sessions]

    def show(self, pixels: Pixels) -> None:
        """Show another picture, of any size."""
        self.pixels = pixels
        for session in self._sessions:
            session.push()

    def __enter__(self) -> PictureServer:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self._listener, *(session.stream for session in self._sessions)):
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
            stream.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                session = _Session(self, stream)
                self._sessions.append(session)
                threading.Thread(target=session.run, daemon=True).start()
