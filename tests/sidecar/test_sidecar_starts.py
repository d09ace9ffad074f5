"""Starts that go wrong: missing programs, strange ones, no room, signals in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from jupyter_xdisplay.errors import (
    PrivateDirectoryError,
    ProgramMissing,
    StartFailed,
    Unreachable,
)
from jupyter_xdisplay.sidecar.child import Child
from tests.sidecar.launch import SidecarProcess
from tests.traces import processes_of
from tests.waiting import wait_until
from tests.xclient import cookie_of, handshake

Start = Callable[..., SidecarProcess]


def _script(directory: Path, text: str) -> str:
    path = directory / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


def test_a_holder_that_is_gone_before_the_start(start: Start) -> None:
    """A sidecar whose holder has died already does not come up."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    sidecar = start(f"pid:{ended.pid}")
    sidecar.wait()
    assert not sidecar.directory.exists()


@pytest.mark.parametrize("holder", ["nobody", "pid:abc", "pid:\u00b2", "pidfd:", ""])
def test_a_holder_that_is_none_is_refused(start: Start, holder: str) -> None:
    """The command line's mistake is an error with a fix, before anything runs."""
    sidecar = start(holder or ":")
    answer = sidecar.answer()
    assert answer is not None
    assert answer["error"]["error"] == "UsageError"
    assert sidecar.wait() == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_start_leaves_nothing(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    """Interrupted while its X server comes up."""
    sidecar = start(xvfb=_script(tmp_path, "exec sleep 600"))
    wait_until(lambda: "sleep" in processes_of(sidecar.directory).values() or _child(sidecar))
    sidecar.process.send_signal(number)
    sidecar.wait()
    assert not sidecar.directory.exists()


BOUND = """\
import os, socket, sys, time
path = "/tmp/.X11-unix/X{number}"
made = socket.socket(socket.AF_UNIX)
made.bind(path)
made.listen()
open({told!r}, "w").close()
time.sleep(600)
"""


def test_an_x_server_that_is_ended_before_it_told_its_number(start: Start, tmp_path: Path) -> None:
    """It made its socket, but does not mind TERM yet: Xvfb is so for some microseconds."""
    number = next(n for n in range(700, 800) if not Path(f"/tmp/.X11-unix/X{n}").exists())
    told = tmp_path / "bound"
    program = tmp_path / "bound.py"
    program.write_text(BOUND.format(number=number, told=str(told)))
    sidecar = start(xvfb=_script(tmp_path, f"exec {sys.executable} {program}"))
    wait_until(told.exists)
    sidecar.process.send_signal(signal.SIGTERM)
    sidecar.wait()
    assert not Path(f"/tmp/.X11-unix/X{number}").exists()


def _child(sidecar: SidecarProcess) -> list[str]:
    children = Path(f"/proc/{sidecar.process.pid}/task/{sidecar.process.pid}/children")
    return children.read_text().split()


@pytest.mark.parametrize("delay", range(8))
def test_a_signal_at_any_moment_of_the_start_leaves_nothing(start: Start, delay: int) -> None:
    """Ended between any two steps: the parts that were started are ended."""
    sidecar = start(stream="x11vnc")
    steps: list[Callable[[], Any]] = [
        lambda: True,
        (sidecar.directory / "server.auth").exists,
        (sidecar.directory / "xvfb.log").exists,
        (sidecar.directory / "Xauthority").exists,
        (sidecar.directory / "openbox.xml").exists,
        (sidecar.directory / "openbox.log").exists,
        (sidecar.directory / "x11vnc.log").exists,
        (sidecar.directory / "connection.json").exists,
    ]
    wait_until(steps[delay])
    sidecar.process.send_signal(signal.SIGTERM)
    sidecar.wait()


@pytest.mark.parametrize("program", ["xvfb", "openbox", "x11vnc"])
def test_a_missing_program_is_named_with_what_installs_it(start: Start, program: str) -> None:
    """The message has the program, the fix is the setup command, nothing stays behind."""
    sidecar = start(**{program: "/nowhere/program"}, stream="x11vnc")
    with pytest.raises(ProgramMissing) as caught:
        sidecar.up()
    assert "/nowhere/program" in caught.value.message
    assert "setup" in str(caught.value.fix)
    assert not sidecar.directory.exists()


def test_a_program_that_cannot_be_executed_is_missing(start: Start, tmp_path: Path) -> None:
    """A file that is none, and one without its interpreter."""
    text = tmp_path / "text"
    text.write_text("hello")
    with pytest.raises(ProgramMissing):
        start(xvfb=str(text)).up()
    text.write_text("#!/nowhere/sh")
    text.chmod(0o700)
    with pytest.raises(ProgramMissing):
        start(xvfb=str(text)).up()
    text.write_bytes(b"\x7fELF")
    with pytest.raises(ProgramMissing):
        start(xvfb=str(text)).up()


def test_an_x_server_that_ends_at_once_shows_its_log(start: Start) -> None:
    """A wrong extra argument: what Xvfb said is in the error."""
    with pytest.raises(StartFailed) as caught:
        start(xvfb_args=("-no-such-option",)).up()
    assert "-no-such-option" in "\n".join(caught.value.log)
    assert "ended with status" in caught.value.message


def test_an_x_server_that_says_nothing_is_given_up(start: Start, tmp_path: Path) -> None:
    """`start_timeout_s` bounds the wait; the silent program is ended."""
    script = _script(tmp_path, "echo thinking >&2; exec sleep 600")
    with pytest.raises(StartFailed) as caught:
        start(xvfb=script, start_timeout_s=0.5).up()
    assert caught.value.log == ["thinking"]
    assert "in time" in caught.value.message


def test_an_x_server_that_takes_no_connection_is_given_up(start: Start, tmp_path: Path) -> None:
    """One that names a display and is not there."""
    script = _script(tmp_path, 'eval "echo 9999 >&$2"; exec sleep 600')
    with pytest.raises(StartFailed) as caught:
        start(xvfb=script).up()
    assert ":9999" in caught.value.message


def test_an_x_server_that_prints_noise_is_given_up(start: Start, tmp_path: Path) -> None:
    """What is no number is no display."""
    script = _script(tmp_path, 'eval "echo hello >&$2"; exec sleep 600')
    with pytest.raises(StartFailed):
        start(xvfb=script).up()


def test_a_helper_that_never_lives_is_told(start: Start, tmp_path: Path) -> None:
    """The display works without it; who asks for pixels gets its log."""
    script = _script(tmp_path, "echo no such luck >&2; exit 3")
    sidecar = start(stream="x11vnc", x11vnc=script).up()
    wait_until(lambda: "status 3" in (sidecar.client.info().notice or ""))
    assert sidecar.client.screenshot().startswith(b"\x89PNG")
    with pytest.raises((StartFailed, Unreachable)) as caught:
        sidecar.client.open_rfb()
    assert "no such luck" in caught.value.log


def test_a_dead_servers_lock_and_socket_are_no_hindrance(start: Start) -> None:
    """A number whose server was killed can be used again."""
    number = next(n for n in range(100) if not Path(f"/tmp/.X11-unix/X{n}").exists())
    lock, path = Path(f"/tmp/.X{number}-lock"), Path(f"/tmp/.X11-unix/X{number}")
    ended = subprocess.Popen(["true"])
    ended.wait()
    lock.write_text(f"{ended.pid:>10}\n")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    try:
        sidecar = start().up()
        assert handshake(sidecar.info.display, cookie_of(sidecar.info.xauthority)) == 1
        sidecar.client.stop()
        sidecar.wait()
    finally:
        lock.unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def test_a_living_servers_number_is_left_alone(start: Start) -> None:
    """Two displays have two numbers, and the end of one is not that of the other."""
    first, second = start().up(), start().up()
    assert first.info.display != second.info.display
    first.client.stop()
    first.wait()
    assert handshake(second.info.display, cookie_of(second.info.xauthority)) == 1
    assert second.client.info().state == "running"


def test_displays_started_at_once_have_numbers_of_their_own(start: Start) -> None:
    """Several that start together do not collide."""
    sidecars = [start() for _ in range(4)]
    displays = {sidecar.up().info.display for sidecar in sidecars}
    assert len(displays) == 4


def test_a_full_private_directory_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, as_root: None, start: Start
) -> None:
    """No space for cookie or logs: the error says where and what to do."""
    from jupyter_xdisplay.paths import ROOT_VARIABLE

    disk = root / "full"
    disk.mkdir(mode=0o700)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=100,mode=0700", "none", str(disk)],
        check=False,
    )
    if made.returncode != 0:
        disk.rmdir()
        pytest.skip("needs to mount a tmpfs, to be filled")
    monkeypatch.setenv(ROOT_VARIABLE, str(disk))
    try:
        with pytest.raises((PrivateDirectoryError, StartFailed)) as caught:
            start().up()
        assert isinstance(caught.value, PrivateDirectoryError), caught.value
        assert ROOT_VARIABLE in str(caught.value.fix)
        wait_until(lambda: not list(disk.glob("*")))
    finally:
        monkeypatch.setenv(ROOT_VARIABLE, str(root))
        subprocess.run(["umount", str(disk)], check=True)
        disk.rmdir()


def test_a_program_whose_start_was_cancelled_is_ended_by_term(tmp_path: Path) -> None:
    """Wherever in its start: asyncio would kill it, and an X server's socket would stay."""
    forked: list[bool] = []
    os.register_at_fork(after_in_parent=lambda: forked.append(True))

    async def cancel(after: int) -> int:
        child = Child("sleep", ["sleep", "600"], tmp_path / "log")
        starting = asyncio.ensure_future(child.start(os.environ))
        for _ in range(after):
            await asyncio.sleep(0)
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        await child.end(grace_s=5.0)
        return await child.wait()

    for after in range(12):
        forked.clear()
        assert asyncio.run(cancel(after)) == (-signal.SIGTERM if forked else 0), after
    assert forked
