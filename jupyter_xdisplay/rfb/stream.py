"""The sans-IO machinery both sides share: bytes in, events and bytes out.

A parser is a generator that takes what it needs from a `StreamReader` and stops where bytes are
missing, as in the websockets library. Nothing here knows sockets, threads or time.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from typing import Generic, Literal, TypeVar

from jupyter_xdisplay.rfb.errors import ProtocolError
from jupyter_xdisplay.rfb.limits import MAX_SKIPPED_BYTES, MAX_WAITING_BYTES

T = TypeVar("T")
Event = TypeVar("Event")

Parse = Generator[None, None, T]
"""Takes bytes from a reader, yields where more must come, returns a T."""

State = Literal["handshake", "running", "failed", "closed"]


class StreamReader:
    """The bytes that came and were not read yet.

    It holds at most what one read waits for and one piece of received data; whoever reads checks
    the length before.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def __len__(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self._buffer += data

    def clear(self) -> None:
        """Forget what came."""
        self._buffer = bytearray()

    def read(self, size: int) -> Parse[bytes]:
        """Return the next `size` bytes."""
        while len(self._buffer) < size:
            yield
        with memoryview(self._buffer) as view:
            data = bytes(view[:size])
        del self._buffer[:size]
        return data

    def unpack(self, layout: struct.Struct) -> Parse[tuple[int, ...]]:
        """Return the next values of that layout."""
        return layout.unpack((yield from self.read(layout.size)))

    def byte(self) -> Parse[int]:
        """Return the next byte."""
        return (yield from self.read(1))[0]

    def skip(self, size: int) -> Parse[None]:
        """Pass over `size` bytes without keeping them.

        Raises
        ------
        ProtocolError
            When that is more than anybody should send.
        """
        if size > MAX_SKIPPED_BYTES:
            raise ProtocolError(f"A message of {size} bytes is too long.")
        while size:
            while not self._buffer:
                yield
            now = min(size, len(self._buffer))
            del self._buffer[:now]
            size -= now


class Connection(Generic[Event]):
    """One end of an RFB connection. Not thread-safe: all calls from one thread.

    Memory is bounded when the caller takes `events()` after each `receive_data()`, and receives
    no more while it cannot get rid of `data_to_send()`.
    """

    def __init__(self) -> None:
        self.state: State = "handshake"
        self.error: str | None = None
        """Why the connection failed, one sentence; None when it did not."""
        self._reader = StreamReader()
        self._events: list[Event] = []
        self._waiting_bytes = 0
        self._out: list[bytes] = []
        self._parser = self._parse()
        next(self._parser)

    def _parse(self) -> Parse[None]:
        """Run the connection from its first byte; both sides have their own."""
        raise NotImplementedError

    def receive_data(self, data: bytes) -> None:
        """Take bytes of the stream in any chunking. Raises nothing: see `state` and `error`."""
        if self.state in {"failed", "closed"}:
            return
        self._reader.feed(data)
        try:
            next(self._parser)
        except ProtocolError as error:
            self._fail(error.message)
        except StopIteration:
            self.close()

    def receive_eof(self) -> None:
        """Say that the stream ended."""
        self.close()

    def close(self) -> None:
        """End the connection on this side; what waits to be sent may still be sent."""
        if self.state != "failed":
            self.state = "closed"
        self._reader.clear()
        self._parser.close()  # it refers to this object: large framebuffers go at once

    def events(self) -> list[Event]:
        """Return the events since the last call."""
        found, self._events = self._events, []
        self._waiting_bytes = 0
        return found

    def data_to_send(self) -> bytes:
        """Return the bytes to send since the last call."""
        found, self._out = self._out, []
        return found[0] if len(found) == 1 else b"".join(found)

    def _add(self, event: Event, size: int = 0) -> None:
        """Keep an event for the caller; `size` counts the bytes of those that can be large."""
        self._waiting_bytes += size
        if self._waiting_bytes > MAX_WAITING_BYTES:
            raise ProtocolError("Too many large messages at once.")
        self._events.append(event)

    def _fail(self, message: str) -> None:
        self.state = "failed"
        self.error = message
        self._reader.clear()

    def _send(self, data: bytes) -> None:
        if self.state in {"handshake", "running"}:
            self._out.append(data)
