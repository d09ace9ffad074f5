"""When windows began: on bare X servers without a window manager, and on a display with one."""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import xcffib
import xcffib.xproto

from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import DisplayInfo, WindowInfo
from jupyter_xdisplay.x11 import beginnings, windows
from jupyter_xdisplay.x11.beginnings import SHOWN_AT_ONCE_S, Beginnings, boottime_s
from jupyter_xdisplay.x11.connection import X11Connection
from tests.waiting import wait_until
from tests.x11.conftest import bare_server
from tests.xclient import running

TK_HIDDEN = """
import sys, tkinter
root = tkinter.Tk()
root.title("hidden")
root.withdraw()
root.update()
print("ready", flush=True)
sys.stdin.readline()
root.deiconify()
root.mainloop()
"""


@pytest.fixture
def x(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[X11Connection]:
    """Give a connection to a bare X server."""
    monkeypatch.setenv("XAUTHORITY", "")
    with bare_server(tmp_path) as connection:
        yield connection


@pytest.fixture
def noted(x: X11Connection) -> Iterator[Beginnings]:
    """Give what notes the times on that server."""
    thread = Beginnings(*_where(x))
    thread.start()
    yield thread
    thread.stop()
    thread.join(10)
    assert not thread.is_alive()


def _where(x: X11Connection) -> tuple[str, Path]:
    with socket.socket(fileno=os.dup(x.raw.get_file_descriptor())) as stream:
        number = os.fsdecode(stream.getpeername()).rpartition("X")[2]
    return f":{number}", Path(os.environ["XAUTHORITY"])


def _make(x: X11Connection, number: int | None = None, *, shown: bool = True) -> int:
    window: int = number or x.raw.generate_id()
    x.core.CreateWindow(
        *(xcffib.CopyFromParent, window, x.root, 0, 0, 50, 40, 0),
        *(xcffib.xproto.WindowClass.InputOutput, xcffib.CopyFromParent, 0, []),
        is_checked=True,
    ).check()
    if shown:
        x.core.MapWindow(window, is_checked=True).check()
    return window


def _destroy(x: X11Connection, window: int) -> None:
    x.core.DestroyWindow(window, is_checked=True).check()


def _list(x: X11Connection, listed: list[int]) -> None:
    """Set `_NET_CLIENT_LIST`, as a window manager does (EWMH)."""
    x.core.ChangeProperty(
        *(xcffib.xproto.PropMode.Replace, x.root, x.atom("_NET_CLIENT_LIST")),
        *(xcffib.xproto.Atom.WINDOW, 32, len(listed), struct.pack(f"={len(listed)}I", *listed)),
    )
    x.flush()


def test_each_window_began_when_it_was_made(x: X11Connection, noted: Beginnings) -> None:
    """Two windows lie between the readings of the clock around their making."""
    times = [boottime_s()]
    made = []
    for number in (1, 2):
        made.append(_make(x))
        wait_until(lambda number=number: noted.noted() == number)
        times.append(boottime_s())
    first, second = (noted.take(window) for window in made)
    assert first is not None
    assert second is not None
    assert times[0] <= first <= times[1] <= second <= times[2]


def test_an_id_that_is_given_again_has_a_new_time(x: X11Connection, noted: Beginnings) -> None:
    """Whether or not the time of its former window was asked for."""
    window = _make(x)
    wait_until(lambda: noted.noted() == 1)
    _destroy(x, window)
    wait_until(lambda: noted.noted() == 0)
    between_s = boottime_s()
    _make(x, window)
    wait_until(lambda: noted.noted() == 1)
    began_s = noted.take(window)
    assert began_s is not None
    assert began_s >= between_s
    assert noted.take(window) is None


def test_a_window_that_was_hidden_began_when_it_was_shown(
    x: X11Connection, noted: Beginnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made long ago, or asked for already: it is as if it was new."""
    monkeypatch.setattr(beginnings, "SHOWN_AT_ONCE_S", 0)
    window = _make(x, shown=False)
    wait_until(lambda: noted.noted() == 1)
    for _ in ("made", "asked for"):
        before_s = boottime_s()
        x.core.UnmapWindow(window)
        x.core.MapWindow(window, is_checked=True).check()
        marker = _make(x)
        wait_until(lambda marker=marker: noted.take(marker))
        began_s = noted.take(window)
        assert began_s is not None
        assert began_s >= before_s


def test_menus_do_not_fill_the_memory(
    x: X11Connection, noted: Beginnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is destroyed is forgotten; of what stays unasked only the newest are kept."""
    monkeypatch.setattr(beginnings, "NOTED_MAX", 3)
    for _ in range(20):
        _destroy(x, _make(x))
    last = [_make(x) for _ in range(5)][-1]
    wait_until(lambda: noted.noted() == 3)
    marker = _make(x)
    wait_until(lambda: noted.take(marker))
    assert noted.noted() == 2
    assert noted.take(last) is not None


@contextmanager
def _watching(
    x: X11Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[list[tuple[WindowInfo, ...]], list[Beginnings]]]:
    """Run a watcher on a bare server; give what it tells and what notes its times."""
    told: list[tuple[WindowInfo, ...]] = []
    noting: list[Beginnings] = []

    def make(*where: Any) -> Beginnings:
        noting.append(Beginnings(*where))
        return noting[0]

    monkeypatch.setattr(windows, "Beginnings", make)
    watcher = windows.WindowWatcher(*_where(x), os.getpid(), lambda now, _: told.append(now))
    watcher.start()
    try:
        wait_until(lambda: told)
        yield told, noting
    finally:
        watcher.stop()
        watcher.join(10)
        noting[0].join(10)
    assert not noting[0].is_alive()


def test_a_watcher_tells_the_time_of_the_making(
    x: X11Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late the window manager lists the window; and it does not change with its title."""
    old = _make(x)
    _list(x, [old])
    before_s = boottime_s()
    with _watching(x, monkeypatch) as (told, (noting,)):
        assert told[0][0].began_s >= before_s  # there before it was looked at
        window = _make(x)
        wait_until(lambda: noting.noted() == 1)
        made_s = boottime_s()
        _list(x, [old, window])
        wait_until(lambda: len(told[-1]) == 2)
        x.set_property(window, "WM_NAME", "STRING", b"named")
        x.flush()
        wait_until(lambda: told[-1][1].title == "named")
        times = {info.began_s for infos in told for info in infos if info.id == window}
    [began_s] = times
    assert told[0][0].began_s <= began_s <= made_s
    assert len(told) == 3  # the old one, both, the title: nothing is told because of the time


def test_a_watcher_tells_a_new_time_of_an_id_that_is_given_again(
    x: X11Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the list of windows never was without that id."""
    with _watching(x, monkeypatch) as (told, (noting,)):
        window = _make(x)
        wait_until(lambda: noting.noted() == 1)
        _list(x, [window])
        wait_until(lambda: told[-1])
        first_s = told[-1][0].began_s
        _destroy(x, window)
        between_s = boottime_s()
        _make(x, window)
        wait_until(lambda: told[-1] and told[-1][0].began_s != first_s)
        assert first_s <= between_s <= told[-1][0].began_s


def test_a_figure_that_was_made_hidden_begins_when_it_is_shown(display: DisplayInfo) -> None:
    """Tk makes the windows of Matplotlib's figures before they are shown; a real one, framed."""
    client = SidecarClient(display.socket)
    with running(display, "-c", TK_HIDDEN, program=[sys.executable]) as process:
        time.sleep(2 * SHOWN_AT_ONCE_S)
        before_s = boottime_s()
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
        info = wait_until(lambda: _titled(client, "hidden"))
        assert before_s <= info.began_s <= boottime_s()


def test_windows_of_a_display_began_in_the_clock_that_processes_share(
    display: DisplayInfo,
) -> None:
    """The sidecar's times are comparable with readings of this process."""
    client = SidecarClient(display.socket)
    before_s = boottime_s()
    with running(display, "window", "--title", "one"):
        one = wait_until(lambda: _titled(client, "one"))
        between_s = boottime_s()
        with running(display, "window", "--title", "two"):
            two = wait_until(lambda: _titled(client, "two"))
    assert before_s <= one.began_s <= between_s <= two.began_s <= boottime_s()


def _titled(client: SidecarClient, title: str) -> Any:
    return next((info for info in client.info().windows if info.title == title), None)
