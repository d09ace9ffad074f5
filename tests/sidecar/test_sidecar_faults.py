"""What dies or is stuck: said clearly, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_xdisplay.errors import (
    Unreachable,
    UsageError,
)
from jupyter_xdisplay.sidecar.client import SidecarClient, watch
from jupyter_xdisplay.sidecar.sysv import segments_of
from jupyter_xdisplay.spec import STREAMS, DisplayInfo, Size
from tests.rfb_viewer import viewer_of
from tests.sidecar.launch import SidecarProcess
from tests.traces import processes_of
from tests.waiting import wait_until
from tests.xclient import running, tk_window

Start = Callable[..., SidecarProcess]


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def _last_event(path: str, act: Callable[[], None]) -> DisplayInfo:
    """Return the last event that a watcher gets, `act` done once it watches."""
    last = None
    async for info in watch(path):
        if last is None:
            act()
        last = info
    assert last is not None
    return last


@pytest.mark.parametrize("name", ["x11vnc", "openbox"])
def test_a_killed_helper_is_started_again(start: Start, name: str) -> None:
    """The display goes on; the shared memory of the killed one is removed (facts 32)."""
    sidecar = start(stream="x11vnc").up()
    viewer_of(sidecar.client).close()
    killed = sidecar.pids[name]
    if name == "x11vnc":
        wait_until(lambda: segments_of(killed))
    with running(sidecar.info, "window"):
        wait_until(lambda: len(sidecar.client.info().windows) == 1)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: sidecar.pids[name] != killed)
        wait_until(lambda: sidecar.client.info().notice is None)
        assert segments_of(killed) == []
        viewer_of(sidecar.client).close()
        wait_until(lambda: len(sidecar.client.info().windows) == 1)


async def test_a_killed_helper_is_told(start: Start) -> None:
    """Watchers get a sentence that says what died, and then that it is back."""
    sidecar = start().up()
    events = watch(sidecar.info.socket)
    await anext(events)
    os.kill(sidecar.pids["openbox"], signal.SIGKILL)
    notices = []
    async for info in events:
        notices.append(info.notice)
        if notices[-1] is None and any(notices):
            break
    assert any(n and "openbox" in n and "SIGKILL" in n for n in notices)
    await events.aclose()


async def test_a_killed_x_server_ends_the_display_and_says_why(start: Start) -> None:
    """The last event has the reason, the fix and the log; then all is gone."""
    sidecar = start().up()
    with (sidecar.directory / "xvfb.log").open("a") as log:
        log.write("(EE) the last words\n")
    last = await _last_event(
        sidecar.info.socket, lambda: os.kill(sidecar.pids["Xvfb"], signal.SIGKILL)
    )
    assert last.state == "ended"
    assert last.reason is not None
    assert "SIGKILL" in last.reason
    assert last.fix
    assert last.log[-1] == "(EE) the last words"
    assert sidecar.wait() == 0
    assert not sidecar.directory.exists()


def test_a_killed_x_server_takes_its_programs_along(start: Start) -> None:
    """The window manager, x11vnc and its shared memory are gone (`start` sees to its socket)."""
    sidecar = start(stream="x11vnc").up()
    viewer_of(sidecar.client).close()
    pids = sidecar.pids
    os.kill(pids["Xvfb"], signal.SIGKILL)
    sidecar.wait()
    assert all(_gone(pid) for pid in pids.values())
    assert segments_of(pids["x11vnc"]) == []


@pytest.mark.parametrize("stream", STREAMS)
def test_all_helpers_killed_at_once(start: Start, stream: str) -> None:
    """X server and helpers killed together: the display ends, and says so."""
    sidecar = start(stream=stream).up()
    for pid in sidecar.pids.values():
        os.kill(pid, signal.SIGKILL)
    assert sidecar.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_all_that_it_runs(start: Start, number: signal.Signals) -> None:
    """Terminals, service managers and users end it in their ways."""
    sidecar = start().up()
    pids = sidecar.pids
    sidecar.process.send_signal(number)
    assert sidecar.wait() == 0
    assert all(_gone(pid) for pid in pids.values())
    assert not sidecar.directory.exists()


def test_stop_ends_it(start: Start) -> None:
    """`POST /stop` is answered, then all is gone; asking again is Unreachable."""
    sidecar = start().up()
    sidecar.client.stop()
    assert sidecar.wait() == 0
    with pytest.raises(Unreachable):
        sidecar.client.info()


@pytest.mark.parametrize("stream", STREAMS)
def test_a_killed_sidecar_takes_its_programs_along(start: Start, stream: str) -> None:
    """They get TERM with it; cleaning up removes its directory and nothing else."""
    sidecar = start(stream=stream).up()
    viewer = viewer_of(sidecar.client)
    pids = sidecar.pids
    sidecar.process.kill()
    wait_until(lambda: all(_gone(pid) for pid in pids.values()))
    assert segments_of(pids.get("x11vnc", sidecar.process.pid)) == []
    viewer.close()


def test_a_stopped_program_of_a_killed_sidecar_is_ended_by_the_clean_up(start: Start) -> None:
    """One that took no TERM is found by its open log and killed."""
    sidecar = start().up()
    pid = sidecar.pids["Xvfb"]
    os.kill(pid, signal.SIGSTOP)
    sidecar.process.kill()
    sidecar.process.wait()
    assert not _gone(pid)
    sidecar.end()  # does what the manager does
    wait_until(lambda: _gone(pid))


def test_the_next_start_cleans_up_after_sidecar_and_holder_were_killed(start: Start) -> None:
    """What nobody could clean up is found by its free lock."""
    from jupyter_xdisplay.runtime.local import LocalRuntime

    killed, lives = start().up(), start().up()
    killed.process.kill()
    killed.process.wait()
    assert LocalRuntime().reap() == 1
    assert not killed.directory.exists()
    assert lives.client.info().state == "running"


HOLDER = """
import os, subprocess, sys, time
from tests.sidecar.launch import SidecarProcess
sidecar = SidecarProcess(stream="x11vnc").up()
if sys.argv[1] == "fork":
    worker = os.fork()
    if worker == 0:
        time.sleep(600)
    print(worker)
else:
    print(0)
print(sidecar.directory, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("workers", ["alone", "fork"])
def test_nothing_outlives_a_killed_holder(leftovers: Path, workers: str) -> None:
    """Holder killed with -9: all is gone, although workers that it forked live on."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, workers],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert holder.stdout is not None
    worker = int(holder.stdout.readline())
    directory = holder.stdout.readline().strip()
    try:
        assert len(processes_of(Path(directory))) >= 4
        holder.kill()
        holder.wait()
        wait_until(lambda: not Path(directory).exists())
        wait_until(lambda: not processes_of(Path(directory)))
        if worker:
            assert not _gone(worker)
    finally:
        if worker:
            os.kill(worker, signal.SIGKILL)
        holder.stdout.close()


def test_a_lease_on_standard_input_ends_with_it(start: Start) -> None:
    """For holders in other containers: end of file is the end; what is written before is not."""
    sidecar = start("stdin").up()
    assert sidecar.process.stdin is not None
    sidecar.process.stdin.write(b"still here\n")
    sidecar.process.stdin.flush()
    assert sidecar.client.info().state == "running"
    sidecar.process.stdin.close()
    assert sidecar.wait() == 0
    sidecar.process.stdin = None


def test_a_program_that_grabs_the_server_stops_nothing_else(start: Start) -> None:
    """While XGrabServer is held a screenshot is Unreachable, info answers, and stop works."""
    sidecar = start().up()
    with running(sidecar.info, "grab"):
        assert sidecar.client.info().state == "running"
        with pytest.raises(Unreachable) as caught:
            sidecar.client.screenshot()
        assert "grabbed" in caught.value.message
        sidecar.client.stop()
        assert sidecar.wait() == 0


def test_after_a_grab_everything_goes_on(start: Start) -> None:
    """The requests that waited are answered once the server is free."""
    sidecar = start().up()
    with running(sidecar.info, "grab") as program:
        asking = threading.Thread(target=sidecar.client.info)
        asking.start()
        program.kill()
        asking.join(20)
    assert sidecar.client.screenshot().startswith(b"\x89PNG")


def test_a_stopped_x_server_can_be_ended(start: Start) -> None:
    """One that answers neither requests nor TERM."""
    sidecar = start().up()
    pid = sidecar.pids["Xvfb"]
    os.kill(pid, signal.SIGSTOP)
    sidecar.process.send_signal(signal.SIGTERM)
    assert sidecar.wait() == 0
    assert _gone(pid)


def test_ending_is_fine_without_the_private_directory(start: Start) -> None:
    """Somebody removed it: the sidecar ends all the same."""
    import shutil

    sidecar = start().up()
    pids = sidecar.pids
    shutil.rmtree(sidecar.directory)
    sidecar.process.send_signal(signal.SIGTERM)
    sidecar.wait()
    assert all(_gone(pid) for pid in pids.values())


def test_the_log_of_a_chatty_program_is_bounded(start: Start) -> None:
    """Its descriptor appends: a log that was emptied starts small again."""
    from jupyter_xdisplay.sidecar.child import LOG_MAX_BYTES, Child

    directory = start().up().directory
    child = Child("chatty", [], directory / "chatty.log")
    child.log.write_bytes(b"x" * (LOG_MAX_BYTES + 1))
    child.bound_log()
    assert child.log.stat().st_size == 0


def test_a_client_of_the_display_does_not_outlive_its_x_server(start: Start) -> None:
    """Programs end with their display, as X has them do."""
    sidecar = start().up()
    with tk_window(sidecar.info, "goes") as program:
        sidecar.client.stop()
        assert program.wait(20) != 0
    sidecar.wait()


def test_bad_answers_are_unreachable(leftovers: Path) -> None:
    """Nobody, or somebody else, on the socket's path: an error of ours."""
    path = leftovers / "s.sock"
    with pytest.raises(Unreachable):
        SidecarClient(path).info()
    with pytest.raises(Unreachable):
        SidecarClient(path).open_rfb()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def hang_up() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")
                connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        for call in (SidecarClient(path).info, SidecarClient(path).open_rfb):
            with pytest.raises(Unreachable):
                call()
        thread.join()
    path.unlink()


def test_a_request_by_another_size_is_still_an_error_of_ours(start: Start) -> None:
    """A first size beyond the largest ends the start with a usage error."""
    with pytest.raises(UsageError):
        start(size=Size(2000, 2000)).up()


def test_the_answer_is_one_line_of_json(start: Start) -> None:
    """Starters in other languages read it: one object with `info`."""
    answer = start().answer()
    assert answer is not None
    assert list(answer) == ["info"]
    assert DisplayInfo.from_json(answer["info"]).display.startswith(":")
