"""Private directories: 0700, ours, with socket paths short enough for `sun_path` (unix(7))."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_xdisplay.errors import PrivateDirectoryError

ROOT_VARIABLE = "JUPYTER_XDISPLAY_RUNTIME_DIR"
"""Environment variable that names another root for the private directories."""

SOCKET_PATH_MAX = 107
"""Longest path in bytes that a Unix socket can have (sun_path is 108 with its final zero)."""

UNFINISHED_S = 60.0
"""After this time nobody is still making a directory that is not locked yet."""

OLD_LOCK = "lock"
"""What directories of former versions were locked by: a file in them."""

_LONGEST_NAME = "d-0123456789ab/sidecar.sock"


class PrivateDirectory(NamedTuple):
    """A directory with one owner, and its descriptor, which holds its lock.

    Whoever has the descriptor open is alive: the lock goes with its last holder, however that
    ended, so that a directory whose lock is free can be reaped (flock(2)). The directory itself is
    locked: what is in one that is, systemd-tmpfiles leaves alone, however old (tmpfiles.d(5)).
    """

    path: Path
    lock_fd: int


def runtime_root() -> Path:
    """Return the directory for all private directories of this user, made where it is missing.

    `$JUPYTER_XDISPLAY_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/jupyter-xdisplay` where that is ours
    and writable, else `/tmp/jupyter-xdisplay-<uid>`.

    Raises
    ------
    PrivateDirectoryError
        When it cannot be made, is not ours, or is too deep for a socket.
    """
    root = _configured_root()
    check_socket_path(root / _LONGEST_NAME)
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_make(root, error) from error
    _check_ours(root)
    return root


def check_socket_path(path: Path) -> None:
    """Raise PrivateDirectoryError when no socket can have this path: it is too long."""
    length = len(os.fsencode(path))
    if length > SOCKET_PATH_MAX:
        raise PrivateDirectoryError(
            f"{path.parent} is too deep: socket paths in it have {length} bytes of "
            f"{SOCKET_PATH_MAX}.",
            fix=f"export {ROOT_VARIABLE}=/tmp/xd-{os.getuid()}",
        )


def make_private_directory(name: str) -> PrivateDirectory:
    """Make the private directory of a display or a server, and lock it.

    Raises
    ------
    PrivateDirectoryError
        When the disk is full or the root is not writable.
    """
    path = runtime_root() / f"d-{name}"
    unlocked = path.with_name(f"new-{name}")  # becomes visible to reapers once it is locked
    with ExitStack() as undo:
        try:
            unlocked.mkdir(mode=0o700)
            undo.callback(remove_directory, unlocked)
            lock_fd = os.open(unlocked, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            undo.callback(os.close, lock_fd)
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists():  # rename(2) would replace one that is empty
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            unlocked.rename(path)
        except OSError as error:
            raise _cannot_make(path, error) from error
        undo.pop_all()
    return PrivateDirectory(path, lock_fd)


def abandoned_directories() -> list[Path]:
    """Return the directories of this user that nobody holds any more."""
    root = runtime_root()
    finished = [path for path in root.glob("d-*") if _is_abandoned(path)]
    unfinished = [path for path in root.glob("new-*") if _is_old(path) and _is_abandoned(path)]
    return sorted(finished + unfinished)


def remove_directory(path: Path) -> None:
    """Remove a private directory with all that is in it; one that is gone is fine.

    One that is mounted into this container is emptied: whoever made it removes it.
    """
    try:
        shutil.rmtree(path, onerror=_open_and_try_again)
    except FileNotFoundError:
        return
    except OSError:
        if not path.is_mount():
            raise


def _open_and_try_again(
    function: Callable[[str], object], path: str, error: tuple[Any, BaseException, Any]
) -> None:
    """Remove what programs in a container made such that nobody may."""
    if not isinstance(error[1], PermissionError):
        raise error[1]
    for folder in (Path(path).parent, Path(path)):
        with suppress(OSError):
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o700)
    if function in {os.unlink, os.rmdir}:
        function(path)
    else:
        shutil.rmtree(path)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only this user can read, whole or not at all (facts: never truncate).

    Raises
    ------
    PrivateDirectoryError
        When it cannot be written.
    """
    temporary = path.with_name(path.name + ".new")
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _cannot_make(path, error) from error


def _configured_root() -> Path:
    if configured := os.environ.get(ROOT_VARIABLE):
        return Path(configured)
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session:
        with suppress(OSError):
            info = Path(session).stat()
            if info.st_uid == os.getuid() and os.access(session, os.W_OK | os.X_OK):
                return Path(session) / "jupyter-xdisplay"
    return Path(tempfile.gettempdir()) / f"jupyter-xdisplay-{os.getuid()}"


def _check_ours(root: Path) -> None:
    info = root.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid():
        raise PrivateDirectoryError(
            f"{root} is not a directory of this user.",
            fix=f"remove it, or export {ROOT_VARIABLE} with another directory",
        )
    if stat.S_IMODE(info.st_mode) & 0o022:  # left as it is: others use it, as they do /tmp
        raise PrivateDirectoryError(
            f"{root} can be written by others.",
            fix=f"chmod 700 {root}, or export {ROOT_VARIABLE} with a directory of your own",
        )
    if not os.access(root, os.W_OK | os.X_OK):
        raise _cannot_make(root, PermissionError("not writable"))


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > UNFINISHED_S
    except OSError:
        return False


def _is_abandoned(path: Path) -> bool:
    return _is_free(path, os.O_DIRECTORY) and (
        not os.path.lexists(path / OLD_LOCK) or _is_free(path / OLD_LOCK)
    )


def _is_free(path: Path, flags: int = 0) -> bool:
    """Tell whether something is there that nobody has locked."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags)
    except OSError:
        return False  # gone, or not one of ours
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _cannot_make(path: Path, error: OSError) -> PrivateDirectoryError:
    return PrivateDirectoryError(
        f"The private directory {path} cannot be written: {error.strerror or error}.",
        fix=f"free some space there, or export {ROOT_VARIABLE} with a writable directory",
    )
