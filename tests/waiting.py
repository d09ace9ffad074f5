"""Polling: the tests wait for what they check, never for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 20.0
POLL_S = 0.02


def wait_until(what: Callable[[], T], message: str = "", deadline_s: float = DEADLINE_S) -> T:
    """Return the first true value of `what`; fail with `message` after the deadline."""
    end = time.monotonic() + deadline_s
    while not (value := what()):
        assert time.monotonic() < end, message or f"not within {deadline_s:.0f} s: {what}"
        time.sleep(POLL_S)
    return value


async def until(what: Callable[[], T], message: str = "", deadline_s: float = DEADLINE_S) -> T:
    """Do what `wait_until` does, beside the event loop's other tasks."""
    end = time.monotonic() + deadline_s
    while not (value := what()):
        assert time.monotonic() < end, message or f"not within {deadline_s:.0f} s: {what}"
        await asyncio.sleep(POLL_S)
    return value
