"""Sidecars: one for all that only look, one of its own for each test that breaks something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_xdisplay.spec import STREAMS
from tests.sidecar.launch import SidecarProcess


@pytest.fixture(scope="package")
def shared() -> Iterator[SidecarProcess]:
    """Give a running sidecar that tests leave as they found it."""
    process = SidecarProcess()
    try:
        yield process.up()
    finally:
        process.end()


@pytest.fixture(scope="package", params=STREAMS)
def either(request: pytest.FixtureRequest) -> Iterator[SidecarProcess]:
    """Give a running sidecar with each RFB server, for tests in which it plays a part."""
    process = SidecarProcess(stream=request.param)
    try:
        yield process.up()
    finally:
        process.end()


@pytest.fixture
def start(leftovers: Path) -> Iterator[Callable[..., SidecarProcess]]:
    """Give a function that starts a sidecar and does not wait; nothing of it may be left."""
    started: list[SidecarProcess] = []

    def start_one(holder: str | None = None, **changes: Any) -> SidecarProcess:
        started.append(SidecarProcess(holder, **changes))
        return started[-1]

    yield start_one
    for process in started:
        process.end()
