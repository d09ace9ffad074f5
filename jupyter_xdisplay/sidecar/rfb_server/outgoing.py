"""Bytes to one viewer, counted until they have left this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tornado.iostream import IOStream, StreamClosedError

MOST_ANSWER_BYTES = 8 * 1024 * 1024
"""A viewer that asks for more and reads none of it is not listened to until it does."""


class Outgoing:
    """Writes updates and answers (fences, sizes, texts) to a stream, and knows what is stuck.

    Parameters
    ----------
    stream
        Carries RFB.
    left
        Called when something has left.
    """

    def __init__(self, stream: IOStream, left: Callable[[], None]) -> None:
        self._stream = stream
        self._left = left
        self._moved = asyncio.Event()
        self.updates = 0
        """Updates that are still here: the viewer's side takes no more now."""
        self.answer_bytes = 0
        """Bytes of answers that are still here."""

    def update(self, data: bytes) -> None:
        """Send an update."""
        self.updates += 1
        self._write(data, updates=1)

    def answer(self, data: bytes) -> None:
        """Send answers."""
        self.answer_bytes += len(data)
        self._write(data, answer_bytes=len(data))

    async def until_answers_are_read(self) -> None:
        """Wait while too many answers are here; not after the stream's end."""
        while self.answer_bytes > MOST_ANSWER_BYTES and not self._stream.closed():
            self._moved.clear()
            await self._moved.wait()

    def _write(self, data: bytes, *, updates: int = 0, answer_bytes: int = 0) -> None:
        def done(future: asyncio.Future[None]) -> None:
            # the error of a stream that was closed: who reads from it has seen it too
            failed = future.cancelled() or future.exception() is not None
            self.updates -= updates
            self.answer_bytes -= answer_bytes
            self._moved.set()
            if not failed:
                self._left()

        try:
            self._stream.write(data).add_done_callback(done)
        except StreamClosedError:
            return
