"""What is typed after a text was announced comes after the text."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_xdisplay.sidecar.rfb_server import paste_order
from jupyter_xdisplay.sidecar.rfb_server.paste_order import PasteOrder


async def test_nothing_waits_without_a_text() -> None:
    """Keys go on at once."""
    done: list[Any] = []
    PasteOrder(done.append).take("a")
    assert done == ["a"]


async def test_keys_wait_for_the_text_in_order() -> None:
    """Until the display has it, and from then on not at all."""
    done: list[Any] = []
    order = PasteOrder(done.append)
    order.hold()
    order.take("ctrl down")
    order.take("v down")
    assert done == []
    order.go_on()
    order.take("v up")
    assert done == ["ctrl down", "v down", "v up"]


async def test_a_text_that_does_not_come(monkeypatch: Any) -> None:
    """A viewer that announces and says no more is not mute."""
    monkeypatch.setattr(paste_order, "HELD_S", 0.0)
    done: list[Any] = []
    order = PasteOrder(done.append)
    order.hold()
    order.take("a")
    await asyncio.sleep(0.01)
    assert done == ["a"]


async def test_a_flood_is_bounded(monkeypatch: Any) -> None:
    """No more than so many events are kept."""
    monkeypatch.setattr(paste_order, "MOST_HELD", 3)
    done: list[Any] = []
    order = PasteOrder(done.append)
    order.hold()
    for number in range(5):
        order.take(number)
    assert done == [0, 1, 2, 3, 4]


async def test_a_viewer_that_goes_types_no_more() -> None:
    """What was kept is forgotten."""
    done: list[Any] = []
    order = PasteOrder(done.append)
    order.hold()
    order.take("a")
    order.close()
    order.go_on()
    assert done == []
