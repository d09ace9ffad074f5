"""What the manager believes of what a sidecar tells: a kernel may have put itself in its place."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec, Size
from tests.runtime.liar import Liar
from tests.waiting import until

WINDOW = ("id", "title", "wm_class", "pid", "x", "y", "width", "height")
LIES = {
    "id": "ffffffffffff",
    "name": "another",
    "socket": "/run/docker.sock",
    "runtime": "local",
    "container": "theirs",
    "kernel_id": "theirs",
    "created": "never",
}


@pytest.fixture
async def liar(tmp_path: Path) -> AsyncIterator[tuple[DisplayManager, Liar, DisplayInfo]]:
    """Give a manager, and a display of it whose sidecar lies."""
    manager, liar = DisplayManager(), Liar(tmp_path / "s")
    manager.kernel_runtimes["mine"] = liar
    yield manager, liar, await manager.create(DisplaySpec(), "mine")
    liar.says.put_nowait(b"")
    await manager.close()


async def test_who_a_display_is(liar: tuple[DisplayManager, Liar, DisplayInfo]) -> None:
    """Neither its id, nor its kernel, nor where we connect to comes from what is told."""
    manager, sidecar, info = liar
    told = {**info.to_json(), **LIES, "size": [640, 480]}
    sidecar.says.put_nowait(json.dumps(told).encode())
    await until(lambda: manager.get(info.id).size == (640, 480))
    known = manager.get(info.id)
    assert dataclasses.replace(known, size=info.size) == info


@pytest.mark.parametrize(
    "lie",
    [
        "no JSON",
        "[]",
        "{}",
        '{"size": 3, "max_size": 4}',
        {"size": None},
        {"windows": [{"id": []}]},
        {"windows": 3},
        {"vnc": {"port": 1, "nonsense": 2}},
        {"windows": [{name: [] for name in WINDOW}]},
    ],
)
async def test_what_cannot_be_read_ends_it(
    liar: tuple[DisplayManager, Liar, DisplayInfo], lie: str | dict[str, Any]
) -> None:
    """Its display does not stay running without anybody who follows it: it has ended, and why."""
    manager, sidecar, info = liar
    text = lie if isinstance(lie, str) else json.dumps({**info.to_json(), **lie})
    sidecar.says.put_nowait(text.encode())
    await until(lambda: manager.get(info.id).state == "ended" and sidecar.ended)
    assert "sidecar sa" in str(manager.get(info.id).reason)  # says, or said


async def test_an_answer_that_cannot_be_read(
    liar: tuple[DisplayManager, Liar, DisplayInfo],
) -> None:
    """Whoever asked is told so."""
    manager, sidecar, info = liar
    sidecar.answers = json.dumps({**info.to_json(), "size": 3}).encode()
    with pytest.raises(XDisplayError, match="cannot be read"):
        await manager.resize(info.id, DisplaySpec(size=Size(100, 100)))
    assert manager.get(info.id) == info
