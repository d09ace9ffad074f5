"""Managers with small screens, closed after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_xdisplay.runtime.local import LocalRuntime
from jupyter_xdisplay.runtime.manager import DisplayManager


@pytest.fixture
async def make_manager(leftovers: Path) -> AsyncIterator[Callable[..., DisplayManager]]:
    """Give a function that makes a manager; none of them may leave anything."""
    made: list[DisplayManager] = []

    def make(**settings: Any) -> DisplayManager:
        runtime = LocalRuntime(size=(320, 240), max_size=(800, 600))
        made.append(DisplayManager(runtime=runtime, **settings))
        return made[-1]

    yield make
    for manager in made:
        await manager.close()


@pytest.fixture
async def manager(make_manager: Callable[..., DisplayManager]) -> DisplayManager:
    """Give one manager."""
    return make_manager()
