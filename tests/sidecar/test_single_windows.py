"""Single windows where X tells little of them, and from several threads."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import xcffib
import xcffib.xproto

from jupyter_xdisplay.errors import KernelConnected, WindowNotFound
from jupyter_xdisplay.sidecar.single_windows import PICTURES_MAX, SingleWindows
from jupyter_xdisplay.sidecar.x_thread import XThread
from jupyter_xdisplay.spec import DisplayInfo, Size, WindowInfo
from jupyter_xdisplay.x11.clients import Clients
from jupyter_xdisplay.x11.connection import X11Connection
from tests.x11.conftest import bare_server

OTHER_PIDS = ("unshare", "--pid", "--fork", "--kill-child=TERM")
ENDING = ("sh", "-c", """"$@" & trap "kill -KILL $!" TERM; wait""", "sh")
"""`unshare --fork` itself ignores TERM; when it is killed the X server gets one."""


def single_windows(x: X11Connection | None, *windows: WindowInfo) -> SingleWindows:
    """Give them on a display that is told to have these windows."""
    size = Size(320, 200)
    info = DisplayInfo("id", "main", "running", "", "", "", size, size, 96, 24, windows=windows)

    async def resize(size: Size) -> None:
        raise AssertionError(size)

    nothing = cast("Any", None)
    connection = cast("Any", lambda: x)
    return SingleWindows(
        nothing, XThread(nothing), connection, lambda: info, set, resize, lambda _window: None
    )


@pytest.fixture
def x(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[X11Connection]:
    """Give a connection to an X server of another PID namespace, which sees no pids of ours."""
    monkeypatch.setenv("XAUTHORITY", "")
    if subprocess.run([*OTHER_PIDS, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs the right to make a PID namespace")
    with bare_server(tmp_path, before=(*ENDING, *OTHER_PIDS)) as connection:
        yield connection


def test_a_program_that_may_be_the_kernel_is_not_ended(x: X11Connection) -> None:
    """Where no pid is known, and there is a kernel to keep; where there is none it is ended."""
    program = X11Connection(f":{_number(x)}", Path(os.environ["XAUTHORITY"]))
    window = program.raw.generate_id()
    program.core.CreateWindow(
        *(0, window, program.root, 0, 0, 50, 40, 0),
        *(xcffib.xproto.WindowClass.InputOutput, 0, 0, []),
        is_checked=True,
    ).check()
    assert Clients(x).pid_of(window) == 0
    single = single_windows(x, WindowInfo(window, "", "", 0, 0, 0, 50, 40))
    with pytest.raises(KernelConnected, match="PID namespace") as refused:
        asyncio.run(single.end_program(window, [os.getpid()]))
    assert "close the window" in str(refused.value.fix)
    assert program.core.GetInputFocus().reply()
    asyncio.run(single.end_program(window, []))
    with pytest.raises(xcffib.ConnectionException):
        program.core.GetInputFocus().reply()


def _number(x: X11Connection) -> int:
    import socket

    with socket.socket(fileno=os.dup(x.raw.get_file_descriptor())) as stream:
        return int(os.fsdecode(stream.getpeername()).rpartition("X")[2])


def test_pictures_are_kept_while_others_are_asked_for() -> None:
    """They come from the thread that watches windows, whatever is looked up meanwhile."""
    single = single_windows(None)
    ended = threading.Event()

    def keep() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            single.keep_picture(number, 1, b"png", one_colour=False)

    async def ask() -> None:
        for _ in range(2000):
            with pytest.raises(WindowNotFound):
                await single.screenshot(-1)

    for number in range(PICTURES_MAX):
        single.keep_picture(number, 1, b"png", one_colour=False)
    interval_s = sys.getswitchinterval()
    thread = threading.Thread(target=keep)
    try:
        sys.setswitchinterval(1e-6)
        thread.start()
        asyncio.run(ask())
    finally:
        sys.setswitchinterval(interval_s)
        ended.set()
        thread.join()
