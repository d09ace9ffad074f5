"""Both sides of a connection, joined in memory."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_xdisplay.rfb import (
    BGRX32,
    DEFAULT_ENCODINGS,
    ClientConnection,
    ClientMessage,
    PixelFormat,
    ServerConnection,
    ServerMessage,
    Updated,
)


class Loopback:
    """A server and a client, the handshake over and its events taken."""

    def __init__(
        self,
        size: tuple[int, int] = (64, 48),
        *,
        pixel_format: PixelFormat = BGRX32,
        encodings: Sequence[int] = DEFAULT_ENCODINGS,
        password: str | None = None,
        client_password: str | None = None,
    ) -> None:
        self.server = ServerConnection("Übung", size, password=password)
        self.client = ClientConnection(
            password=client_password, encodings=tuple(encodings), pixel_format=pixel_format
        )
        self.first_heard, self.first_told = self.exchange()

    def exchange(self) -> tuple[list[ClientMessage], list[ServerMessage]]:
        """Carry bytes until nothing is to be said; return what each side heard."""
        heard: list[ClientMessage] = []
        told: list[ServerMessage] = []
        while True:
            down, up = self.server.data_to_send(), self.client.data_to_send()
            if not down and not up:
                return heard, told
            self.client.receive_data(down)
            self.server.receive_data(up)
            heard += self.server.events()
            told += self.client.events()
            assert self.server.error is None, self.server.error
            assert self.client.error is None, self.client.error

    def update(self, rectangles: Sequence[bytes], *, last_rect: bool = False) -> Updated:
        """Send rectangles as one update; return what the client says of it."""
        self.server.send_update(rectangles, last_rect=last_rect)
        _, told = self.exchange()
        updates = [event for event in told if isinstance(event, Updated)]
        assert len(updates) == 1
        return updates[0]
