"""Private directories: whose they are, who can read them, when they are abandoned."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from jupyter_xdisplay import paths
from jupyter_xdisplay.errors import PrivateDirectoryError
from jupyter_xdisplay.paths import (
    ROOT_VARIABLE,
    SOCKET_PATH_MAX,
    abandoned_directories,
    make_private_directory,
    remove_directory,
    runtime_root,
    write_private,
)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_root_is_made_for_this_user_only(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root that is missing is made, with its parents, 0700."""
    monkeypatch.setenv(ROOT_VARIABLE, str(root / "a" / "b"))
    assert runtime_root() == root / "a" / "b"
    assert _mode(root / "a" / "b") == 0o700


def test_the_session_directory_is_used_where_it_is_ours(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a setting, XDG_RUNTIME_DIR is taken if we own it and can write there."""
    monkeypatch.delenv(ROOT_VARIABLE)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(root))
    assert runtime_root() == root / "jupyter-xdisplay"


@pytest.mark.parametrize("session", ["", "/proc/nowhere", "/dev/null"])
def test_without_a_session_directory_it_is_in_the_temporary_one(
    root: Path, monkeypatch: pytest.MonkeyPatch, session: str
) -> None:
    """Containers have no XDG_RUNTIME_DIR, or name one that is not there."""
    monkeypatch.delenv(ROOT_VARIABLE)
    monkeypatch.setenv("XDG_RUNTIME_DIR", session)
    monkeypatch.setattr(paths.tempfile, "gettempdir", lambda: str(root))
    assert runtime_root() == root / f"jupyter-xdisplay-{os.getuid()}"


def test_a_root_too_deep_for_sockets_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unix sockets have short paths; the fix names a short root."""
    monkeypatch.setenv(ROOT_VARIABLE, str(root / ("x" * SOCKET_PATH_MAX)))
    with pytest.raises(PrivateDirectoryError) as caught:
        runtime_root()
    assert ROOT_VARIABLE in str(caught.value.fix)
    assert not list(root.iterdir())


def test_a_root_below_a_file_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be made is named, with a fix."""
    (root / "file").write_text("")
    monkeypatch.setenv(ROOT_VARIABLE, str(root / "file" / "sub"))
    with pytest.raises(PrivateDirectoryError) as caught:
        runtime_root()
    assert str(root / "file" / "sub") in caught.value.message
    assert caught.value.fix


def test_a_root_that_is_a_file_or_a_link_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links could point anywhere: only a directory of ours is taken."""
    (root / "real").mkdir()
    (root / "link").symlink_to(root / "real")
    (root / "file").write_text("")
    for name in ("link", "file"):
        monkeypatch.setenv(ROOT_VARIABLE, str(root / name))
        with pytest.raises(PrivateDirectoryError):
            runtime_root()


def test_a_root_of_another_user_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, as_root: None
) -> None:
    """Somebody may have made the well-known name first."""
    theirs = root / "theirs"
    theirs.mkdir(mode=0o777)
    os.chown(theirs, 65534, 65534)
    monkeypatch.setenv(ROOT_VARIABLE, str(theirs))
    with pytest.raises(PrivateDirectoryError) as caught:
        runtime_root()
    assert caught.value.fix


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o770, 0o722])
def test_a_root_that_others_can_write_is_refused_and_left_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """/tmp itself as the root must not become private: others use it."""
    shared = root / "shared"
    shared.mkdir()
    shared.chmod(mode)
    monkeypatch.setenv(ROOT_VARIABLE, str(shared))
    with pytest.raises(PrivateDirectoryError) as caught:
        runtime_root()
    assert caught.value.fix
    assert _mode(shared) == mode


def test_a_private_directory_is_private_and_locked(root: Path) -> None:
    """It is 0700, and it is not abandoned while we hold it."""
    directory = make_private_directory("0123456789ab")
    assert directory.path == root / "d-0123456789ab"
    assert _mode(directory.path) == 0o700
    assert not os.get_inheritable(directory.lock_fd)
    assert abandoned_directories() == []
    os.close(directory.lock_fd)
    assert abandoned_directories() == [directory.path]
    remove_directory(directory.path)
    assert abandoned_directories() == []


def test_a_directory_is_abandoned_when_its_last_holder_was_killed(root: Path) -> None:
    """The lock goes with the process, however it ended."""
    code = (
        "import sys, time; from jupyter_xdisplay.paths import make_private_directory as make;"
        "held = make('0123456789ab'); print('made', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"made\n"
        assert abandoned_directories() == []
        holder.kill()
    assert abandoned_directories() == [root / "d-0123456789ab"]


def test_a_living_directory_may_lose_all_its_files(root: Path) -> None:
    """What clears /tmp of old files takes none that matters, nor any in a locked directory."""
    directory = make_private_directory("0123456789ab")
    assert not list(directory.path.iterdir())
    assert abandoned_directories() == []
    # as systemd-tmpfiles asks before it looks into a directory
    locked = ["flock", "--nonblock", str(directory.path), "true"]
    assert subprocess.run(locked, check=False).returncode == 1
    os.close(directory.lock_fd)
    assert subprocess.run(locked, check=False).returncode == 0


def test_directories_of_former_versions(root: Path) -> None:
    """They are locked by a file: held, they are left alone; free, or without it, reaped."""
    held, free, bare = (root / f"d-{name}" for name in ("held", "free", "bare"))
    for path in (held, free, bare):
        path.mkdir(mode=0o700)
    for path in (held, free):
        (path / "lock").touch(mode=0o600)
    with (held / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert abandoned_directories() == [bare, free]
    assert abandoned_directories() == [bare, free, held]


def test_what_was_killed_while_it_made_a_directory_is_abandoned_too(root: Path) -> None:
    """A directory that never got its name is reaped once nobody can be making it."""
    unfinished = root / "new-0123456789ab"
    unfinished.mkdir()
    assert abandoned_directories() == []
    os.utime(unfinished, (0, 0))
    assert abandoned_directories() == [unfinished]


def test_a_name_that_is_taken_is_an_error_and_leaves_the_holder_alone(root: Path) -> None:
    """Two makers of one name: the second fails, the first keeps its directory."""
    first = make_private_directory("0123456789ab")
    before = first.path.stat().st_ino
    held = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(PrivateDirectoryError):
        make_private_directory("0123456789ab")
    assert first.path.stat().st_ino == before
    assert len(list(Path("/proc/self/fd").iterdir())) == held
    assert [path.name for path in root.iterdir()] == ["d-0123456789ab"]
    os.close(first.lock_fd)


def test_removing_is_idempotent_and_bears_company(root: Path) -> None:
    """Several that clean up after the same one all succeed, and nothing is left."""
    for _ in range(20):
        path = root / "d-0123456789ab"
        path.mkdir()
        for number in range(50):
            (path / str(number)).touch()
        failures: list[BaseException] = []
        threads = [
            threading.Thread(target=_collect, args=(failures, partial(remove_directory, path)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert not path.exists()


def _collect(failures: list[BaseException], work: Callable[[], None]) -> None:
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - a thread's error would be lost
        failures.append(error)


def test_a_private_file_is_private_and_replaced_as_a_whole(root: Path) -> None:
    """It is 0600; a reader that has the old one open keeps the old text."""
    path = root / "cookie"
    previous = os.umask(0)
    try:
        write_private(path, b"old")
        assert _mode(path) == 0o600
        with path.open("rb") as reader:
            write_private(path, b"new")
            assert reader.read() == b"old"
    finally:
        os.umask(previous)
    assert path.read_bytes() == b"new"
    assert _mode(path) == 0o600
    assert [item.name for item in root.iterdir()] == ["cookie"]


def test_a_full_disk_says_so_and_keeps_the_old_file(root: Path, as_root: None) -> None:
    """The message names the directory, the fix another one; nothing half-written is left."""
    disk = root / "disk"
    disk.mkdir(mode=0o700)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "none", str(disk)], check=False
    )
    if made.returncode != 0:
        pytest.skip("needs to mount a tmpfs")
    try:
        write_private(disk / "cookie", b"old")
        with pytest.raises(PrivateDirectoryError) as caught:
            write_private(disk / "cookie", bytes(1 << 20))
        assert "No space left" in caught.value.message
        assert ROOT_VARIABLE in str(caught.value.fix)
        assert (disk / "cookie").read_bytes() == b"old"
        assert [item.name for item in disk.iterdir()] == ["cookie"]
    finally:
        with suppress(OSError):
            subprocess.run(["umount", str(disk)], check=True)
