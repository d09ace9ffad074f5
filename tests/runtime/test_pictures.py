"""What is kept of displays and windows that are gone."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

import pytest
from PIL import Image

from jupyter_xdisplay.errors import DisplayNotFound
from jupyter_xdisplay.runtime import pictures
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplaySpec
from tests.waiting import until
from tests.xclient import running


async def test_the_memory_for_pictures_is_bounded(
    make_manager: Callable[..., DisplayManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest stay, those that were taken first go."""
    manager = make_manager()
    infos = [await manager.create(DisplaySpec(), f"kernel-{number}") for number in range(3)]
    size = len(await manager.screenshot(infos[0].id))
    monkeypatch.setattr(manager, "_pictures", pictures.Pictures(2 * size + size // 2))
    for info in infos:
        await manager.stop(info.id)
    with pytest.raises(DisplayNotFound):
        await manager.screenshot(infos[0].id)
    for info in infos[1:]:
        assert (await manager.screenshot(info.id)).startswith(b"\x89PNG")


async def test_a_window_that_closed_before_its_display_ended(manager: DisplayManager) -> None:
    """Its sidecar had its last picture, and is gone with the display."""
    info = await manager.create(DisplaySpec(), "kernel-1")
    client = manager._entry(info.id).client
    await asyncio.to_thread(client.follow_windows)
    with running(info, "window", "--colour", "00ff00") as process:
        (window,) = await until(lambda: manager.get(info.id).windows)
        await until(lambda: _pixel(manager.still(info.id, window=window.id)) == (0, 255, 0))
        process.kill()
        await until(lambda: not manager.get(info.id).windows)
    await manager.stop(info.id)
    left = await manager.screenshot(info.id, window=window.id, pid=window.pid)
    assert _pixel(left) == (0, 255, 0)


def _pixel(png: bytes) -> object:
    with Image.open(io.BytesIO(png)) as image:
        return image.convert("RGB").getpixel((5, 5))
