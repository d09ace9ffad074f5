"""Limits, locks and directories of this system."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_xdisplay.doctor import system
from jupyter_xdisplay.doctor.check import guarded
from jupyter_xdisplay.errors import XDisplayError

CHECK_IN_A_PROCESS = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
from jupyter_xdisplay.doctor.system import open_files_check
print(json.dumps(open_files_check().to_json()))
"""


@pytest.mark.parametrize(("limit", "status"), [(100, "problem"), (1024, "ok")])
def test_open_files(limit, status):
    """A hard limit that is too low is a problem; checked in a process that has it."""
    result = subprocess.run(
        [sys.executable, "-c", CHECK_IN_A_PROCESS, str(limit)],
        capture_output=True,
        text=True,
        check=True,
    )
    check = json.loads(result.stdout)
    assert check["status"] == status
    assert bool(check["fix"]) == (status == "problem")


def test_checks_of_this_system_give_findings():
    """Each check of the system gives findings here and raises nothing."""
    checks = [
        system.processes_check(),
        system.socket_directory_check(),
        system.stale_lock_check(),
        *system.shared_memory_check(),
    ]
    assert all(check.detail for check in checks)


@pytest.mark.parametrize("number", [None, 600 + os.getpid() % 300], ids=["-displayfd", "number"])
def test_files_of_a_killed_server_are_stale(start_xvfb, number):
    """A server that runs has no stale files; after kill -9 it has, and the fix removes them.

    With a number of its own choice (`-displayfd`) Xvfb makes only the socket, else a lock too.
    """
    process, number = start_xvfb(*([] if number is None else [f":{number}"]))
    assert not system.is_stale(number)
    process.kill()
    process.wait()
    assert system.is_stale(number)
    check = system.stale_lock_check()
    assert check.status == "note"
    assert f":{number}" in check.detail
    assert check.fix
    subprocess.run(["sh", "-c", check.fix], check=True)
    assert not Path(f"/tmp/.X{number}-lock").exists()
    assert not Path(f"/tmp/.X11-unix/X{number}").exists()


def test_lock_without_a_socket_is_stale():
    """A lock that names a dead process is stale, one that names a live process is not."""
    number = 900 + os.getpid() % 90
    lock = Path(f"/tmp/.X{number}-lock")
    dead = subprocess.Popen(["true"])
    dead.wait()
    try:
        lock.write_text(f"{dead.pid:10}\n")
        assert system.is_stale(number)
        lock.write_text(f"{os.getpid():10}\n")
        assert not system.is_stale(number)
    finally:
        lock.unlink()


def test_segment_of_a_dead_program_is_named():
    """A System V segment whose maker is gone is named with the command that removes it."""
    made = subprocess.run(["ipcmk", "-M", "4096"], capture_output=True, text=True, check=True)
    segment = made.stdout.split()[-1]
    try:
        check = system.shared_memory_check()[0]
        assert check.status == "note"
        assert f"-m {segment}" in (check.fix or "")
    finally:
        subprocess.run(["ipcrm", "-m", segment], check=True)


@pytest.mark.parametrize(
    ("mode", "refused", "status", "fix"),
    [
        (0o1777, 0, "ok", None),
        (0o777, 0, "note", "chmod 1777"),
        (0o755, errno.EACCES, "problem", "chmod 1777"),
        (0o1777, errno.EROFS, "problem", "remount,rw"),
    ],
)
def test_socket_directory(mode, refused, status, fix):
    """Each state of the directory has its finding, and a command where one is needed."""
    check = system.judge_socket_directory("/tmp/.X11-unix", mode, refused)
    assert check.status == status
    assert (fix is None) == (check.fix is None)
    assert (fix or "") in (check.fix or "")


def test_private_directory(monkeypatch, tmp_path):
    """The private directory is named, with what is free."""
    monkeypatch.setenv("JUPYTER_XDISPLAY_RUNTIME_DIR", str(tmp_path / "xd"))
    check = system.runtime_directory_check()
    assert check.status == "ok"
    assert str(tmp_path / "xd") in check.detail
    assert list((tmp_path / "xd").iterdir()) == []


def test_private_directory_that_cannot_be(monkeypatch, tmp_path):
    """A root that cannot be made is a problem with its fix."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("JUPYTER_XDISPLAY_RUNTIME_DIR", str(tmp_path / "file" / "xd"))
    (check,) = guarded("private directory", system.runtime_directory_check)
    assert check.status == "problem"
    assert check.fix


def test_guard_turns_exceptions_into_findings():
    """What a check raises becomes a problem that names it; an error's fix is kept."""

    def broken():
        raise ZeroDivisionError("by hand")

    def known():
        raise XDisplayError("It failed.", fix="do this", log=["first", "last"])

    (check,) = guarded("broken", broken)
    assert (check.name, check.status) == ("broken", "problem")
    assert "ZeroDivisionError: by hand" in check.detail
    (check,) = guarded("known", known)
    assert check.fix == "do this"
    assert check.detail == "It failed. Its last line: last"


def test_guard_has_a_deadline():
    """A check that hangs becomes a problem, and the others go on."""
    read_fd, write_fd = os.pipe()
    (check,) = guarded("hanging", lambda: os.read(read_fd, 1), timeout_s=0.2)  # type: ignore[arg-type]
    os.write(write_fd, b"x")
    assert check.status == "problem"
    assert "no answer" in check.detail
    os.close(write_fd)
