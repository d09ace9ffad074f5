"""Fences that are answered when the input before them has taken effect (rfbproto, BlockBefore)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from jupyter_xdisplay.rfb import ClientFence

MOST_UNANSWERED = 256
"""No more is read from a viewer that has so many open. Below that reading goes on: what a fence
waits for may be a text that the viewer has yet to send."""


class DeferredFences:
    """The fences of one viewer that wait for its input. All on the event loop.

    Parameters
    ----------
    answer
        Answers one.
    flush
        Sends the answers.
    """

    def __init__(self, answer: Callable[[ClientFence], None], flush: Callable[[], None]) -> None:
        self._answer = answer
        self._flush = flush
        self._open = 0
        self._closed = False
        self._changed = asyncio.Event()

    def add(self) -> None:
        """Note that one waits."""
        self._open += 1

    def done(self, fence: ClientFence) -> None:
        """Answer one; the answers of many that came together are sent together."""
        self._open -= 1
        self._changed.set()
        if not self._closed:
            self._answer(fence)
            if not self._open:
                self._flush()

    async def until_few(self) -> None:
        """Wait while too many are open."""
        while self._open >= MOST_UNANSWERED and not self._closed:
            self._changed.clear()
            await self._changed.wait()

    def close(self) -> None:
        """Answer none any more: the viewer is gone."""
        self._closed = True
        self._changed.set()
