"""Programs on a display: found, started in their own session, reaped."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest

from jupyter_xdisplay.errors import ProgramMissing, UsageError
from jupyter_xdisplay.kernel import programs
from tests.waiting import wait_until


def run(line: str) -> programs.Program:
    """Start a command of the shell with its output kept."""
    return programs.start(["sh", "-c", line], os.environ, keep_output=True)


def test_find() -> None:
    """Programs on the PATH are found; missing ones name the package where it is known."""
    assert programs.find("sh", os.environ).endswith("/sh")
    with pytest.raises(ProgramMissing) as caught:
        programs.find("glxgears", {"PATH": "/nowhere"})
    assert "mesa" in (caught.value.fix or "")
    with pytest.raises(ProgramMissing):
        programs.find("no-such-program", os.environ)


def test_find_paths(tmp_path: Path) -> None:
    """A path to nothing, or to a file that cannot be run, is told as such."""
    with pytest.raises(UsageError, match="no file"):
        programs.find(str(tmp_path / "nothing"), os.environ)
    file = tmp_path / "with space"
    file.touch()
    with pytest.raises(UsageError) as caught:
        programs.find(str(file), os.environ)
    assert caught.value.fix == f"chmod +x '{file}'"


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    """A file that the system cannot execute is an error of ours, not an OSError."""
    file = tmp_path / "data"
    file.write_bytes(b"\x00\x01")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(UsageError, match="cannot be run"):
        programs.start([str(file)], os.environ, keep_output=False)


def test_output_is_kept() -> None:
    """Standard output and error are kept, in the order in which they came."""
    program = run("echo one; echo two >&2; exit 4")
    assert program.popen.wait(10) == 4
    assert program.last_lines() == ["one", "two"]
    assert program.last_lines(1) == ["two"]


def test_a_long_log_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A talkative program does not fill the disk, and its newest lines stay readable."""
    monkeypatch.setattr(programs, "LOG_MAX", 1000)
    program = run("for i in $(seq 300); do echo line $i; done; exec sleep 60")
    wait_until(lambda: program.last_lines(1) == ["line 300"])
    program.trim()
    assert program.last_lines() == []
    os.killpg(program.popen.pid, signal.SIGTERM)


def test_no_zombie_is_left() -> None:
    """A program that ends is reaped without anybody asking for it."""
    program = run("true")
    wait_until(lambda: not Path(f"/proc/{program.popen.pid}").exists())
    wait_until(lambda: program not in programs.started())


def test_an_own_session() -> None:
    """A program is in a session of its own, so that no interrupt of ours reaches it."""
    program = run("exec sleep 60")
    assert os.getsid(program.popen.pid) == program.popen.pid
    assert program in programs.started()
    program.popen.kill()
