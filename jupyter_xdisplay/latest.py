"""A value with watchers. Each watcher is told the newest value, never a queue of old ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Holds the newest value of something that changes. Used from one event loop."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._closed = False
        self._watchers: set[asyncio.Event] = set()

    @property
    def value(self) -> T:
        """The newest value."""
        return self._value

    @property
    def watched(self) -> bool:
        """Whether somebody watches now."""
        return bool(self._watchers)

    def set(self, value: T) -> None:
        """Take a new value; watchers are woken if it differs."""
        if value != self._value:
            self._value = value
            self._wake()

    def close(self) -> None:
        """Say that no further value comes: watchers end after the newest one."""
        self._closed = True
        self._wake()

    async def watch(self) -> AsyncGenerator[T, None]:
        """Yield the value now, and again whenever it has changed, until closed."""
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            yield (told := self._value)
            while True:
                if told is not self._value:
                    yield (told := self._value)
                elif self._closed:
                    return
                else:
                    changed.clear()
                    await changed.wait()
        finally:
            self._watchers.discard(changed)

    def _wake(self) -> None:
        for changed in self._watchers:
            changed.set()
