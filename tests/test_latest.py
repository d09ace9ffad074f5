"""A value with watchers."""

from __future__ import annotations

import asyncio

from jupyter_xdisplay.latest import Latest


async def test_a_watcher_gets_the_value_at_once_and_each_change() -> None:
    """The first value comes without waiting, changes follow, closing ends it."""
    latest = Latest(1)
    watcher = latest.watch()
    assert await anext(watcher) == 1
    latest.set(2)
    assert await anext(watcher) == 2
    latest.close()
    assert [value async for value in watcher] == []


async def test_a_slow_watcher_gets_the_newest_value_only() -> None:
    """There is no queue: what was overtaken is not told."""
    latest = Latest(0)
    watcher = latest.watch()
    await anext(watcher)
    for value in range(1, 1000):
        latest.set(value)
    latest.close()
    assert [value async for value in watcher] == [999]


async def test_an_equal_value_wakes_nobody() -> None:
    """Only changes are told."""
    latest = Latest("a")
    watcher = latest.watch()
    await anext(watcher)
    latest.set("".join(["a"]))
    waiting = asyncio.ensure_future(anext(watcher))
    await asyncio.sleep(0)
    assert not waiting.done()
    latest.set("b")
    assert await waiting == "b"


async def test_a_watcher_of_a_closed_value_gets_the_last_one() -> None:
    """Who comes late is told how it ended."""
    latest = Latest("running")
    latest.set("ended")
    latest.close()
    assert [value async for value in latest.watch()] == ["ended"]


async def test_a_watcher_that_leaves_is_forgotten() -> None:
    """Watchers are counted only while they watch."""
    latest = Latest(0)
    assert not latest.watched
    watcher = latest.watch()
    await anext(watcher)
    assert latest.watched
    await watcher.aclose()
    assert not latest.watched


async def test_watchers_do_not_share_their_place() -> None:
    """Each watcher sees every newest value."""
    latest = Latest(0)
    first, second = latest.watch(), latest.watch()
    assert (await anext(first), await anext(second)) == (0, 0)
    latest.set(1)
    assert (await anext(first), await anext(second)) == (1, 1)
