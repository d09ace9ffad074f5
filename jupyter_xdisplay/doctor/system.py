"""What the system allows: limits, shared memory, directories, locks of dead X servers."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from jupyter_xdisplay.doctor.check import Check, note, ok, problem
from jupyter_xdisplay.paths import runtime_root

FEWEST_FILES = 256
"""Open files that the server needs for itself and a few displays."""

FEWEST_PROCESSES = 24
"""Free processes and threads that one display and a small program need (llvmpipe has threads)."""

FEWEST_SEGMENTS = 64
"""Free shared memory segments for a few views and programs (x11vnc alone takes 42, facts 32)."""

SOCKETS = Path("/tmp/.X11-unix")
SMALL_SHM = 128 << 20


def open_files_check() -> Check:
    """Return whether RLIMIT_NOFILE leaves room; a huge one is fine, because x11vnc gets less."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    detail = f"soft {_limit(soft)}, hard {_limit(hard)}"
    if 0 <= hard < FEWEST_FILES:
        fix = f"ulimit -n 1024 before Jupyter starts; a container: --ulimit nofile={1024}"
        return problem("open files", f"{detail}: displays need {FEWEST_FILES}", fix)
    if soft > 1 << 16 or soft == resource.RLIM_INFINITY:
        detail += " (x11vnc is started with 1024: with more it searches for minutes)"
    return ok("open files", detail)


def processes_check() -> Check:
    """Return whether RLIMIT_NPROC and the control group leave room for processes."""
    free: list[tuple[int, str, str]] = []
    soft, _hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if soft != resource.RLIM_INFINITY and os.geteuid() != 0:  # root is not held to it
        used = _threads_of(os.geteuid())
        free.append((soft - used, f"{used} of {soft} of this user", "raise `ulimit -u`"))
    if (group := _control_group_pids()) is not None:
        used, most = group
        text = f"{used} of {most} of this container or control group"
        free.append((most - used, text, "give the container a higher --pids-limit"))
    if not free:
        return ok("processes", "no limit")
    least, _text, fix = min(free)
    detail = "; ".join(text for _free, text, _fix in free) + " in use"
    if least < FEWEST_PROCESSES:
        return problem("processes", f"{detail}: a display needs {FEWEST_PROCESSES} more", fix)
    return ok("processes", detail)


def shared_memory_check() -> list[Check]:
    """Return how much System V shared memory and /dev/shm is left."""
    return [*_sysv_checks(), *_dev_shm_check()]


def socket_directory_check() -> Check:
    """Return whether X servers of this user can put their sockets into /tmp/.X11-unix."""
    name = str(SOCKETS)
    try:
        mode = SOCKETS.lstat().st_mode
    except FileNotFoundError:
        if os.access(SOCKETS.parent, os.W_OK | os.X_OK):
            return ok(name, "is not there; the first display makes it")
        return problem(name, "is not there and cannot be made", f"as root: mkdir -m 1777 {name}")
    if not stat.S_ISDIR(mode):
        return problem(name, "is not a directory", f"as root: rm {name}; mkdir -m 1777 {name}")
    return judge_socket_directory(name, stat.S_IMODE(mode), _cannot_write(SOCKETS))


def judge_socket_directory(name: str, mode: int, refused: int) -> Check:
    """Return the finding from a directory's mode and the errno that refuses a file, or 0."""
    if refused == errno.EROFS:
        fix = f"as root: mount -o remount,rw {name}"
        return problem(name, "is on a read-only file system (WSL mounts it so)", fix)
    if refused:
        detail = f"has mode {mode:o}: this user's X servers have no socket there"
        return problem(name, detail, f"as root: chmod 1777 {name}")
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        detail = f"has mode {mode:o}: others can remove the sockets"
        return note(name, detail, f"as root: chmod 1777 {name}")
    return ok(name, f"mode {mode:o}, can be written")


def stale_lock_check() -> Check:
    """Return which display locks and sockets dead X servers left. Displays pass them by."""
    numbers = sorted(
        set(_numbers(Path("/tmp"), r"\.X(\d+)-lock")) | set(_numbers(SOCKETS, r"X(\d+)"))
    )
    stale = [number for number in numbers if is_stale(number)]
    if not stale:
        return ok("X locks", f"{len(numbers)} in use, none left by a dead server")
    names = ", ".join(f":{number}" for number in stale)
    files = " ".join(f"/tmp/.X{number}-lock {SOCKETS}/X{number}" for number in stale)
    return note("X locks", f"left by dead servers: {names}", f"rm -f {files}")


def runtime_directory_check() -> Check:
    """Return where private directories are, and whether there is room."""
    root = runtime_root()
    free = shutil.disk_usage(root).free
    with tempfile.TemporaryFile(dir=root) as file:
        file.write(b"x" * 65536)
        file.flush()
    left = f"{free / (1 << 20):.0f} MiB free"
    if free < 16 << 20:
        return problem("private directory", f"{root}: {left}", "free some space there")
    return ok("private directory", f"{root}, {left}")


def is_stale(number: int) -> bool:
    """Whether the lock or socket of a display number was left by a server that is dead.

    A socket that takes connections has a server, in another PID namespace perhaps.
    """
    path = SOCKETS / f"X{number}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(str(path))
        except ConnectionRefusedError:
            return not _lock_held(number, default=False)
        except FileNotFoundError:
            return not _lock_held(number, default=True)
        except OSError:
            return False
    return False


def _lock_held(number: int, *, default: bool) -> bool:
    """Whether the process that a lock file names is alive; `default` without a readable lock."""
    try:
        pid = int(Path(f"/tmp/.X{number}-lock").read_text())
    except (OSError, ValueError):
        return default
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _numbers(folder: Path, pattern: str) -> list[int]:
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return []
    return [int(found[1]) for name in names if (found := re.fullmatch(pattern, name))]


def _cannot_write(folder: Path) -> int:
    """Return 0 when files can be made in `folder`, else the errno of the refusal."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return 0
    except OSError as error:
        return error.errno or errno.EACCES


def _sysv_checks() -> list[Check]:
    try:
        most = int(Path("/proc/sys/kernel/shmmni").read_text())
        rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    except OSError:
        return [note("shared memory", "the kernel does not tell (no /proc/sysvipc)")]
    detail = f"{len(rows)} of {most} System V segments in use"
    # Columns of proc_sysvipc(5): 1 shmid, 4 cpid, 6 nattch, 7 uid
    left = [
        row[1] for row in rows if row[6] == "0" and int(row[7]) == os.geteuid() and _is_dead(row[4])
    ]
    fix = f"ipcrm {' '.join(f'-m {segment}' for segment in left)}" if left else None
    if most - len(rows) < FEWEST_SEGMENTS:
        fix = fix or "as root: sysctl -w kernel.shmmni=4096"
        return [
            problem("shared memory", f"{detail}: views and programs need {FEWEST_SEGMENTS}", fix)
        ]
    if left:
        return [note("shared memory", f"{detail}, {len(left)} left by dead programs", fix)]
    return [ok("shared memory", detail)]


def _is_dead(pid: str) -> bool:
    """Whether a process is gone; 0 is one of another PID namespace, of which nothing is known."""
    return pid != "0" and not Path(f"/proc/{pid}").exists()


def _dev_shm_check() -> list[Check]:
    try:
        size = shutil.disk_usage("/dev/shm").total
    except OSError:
        return [note("/dev/shm", "is not there: browsers and data loaders want it")]
    detail = f"{size / (1 << 20):.0f} MiB"
    if size < SMALL_SHM:
        fix = "start the container with --shm-size=1g"
        return [
            note("/dev/shm", f"{detail}: displays work; browsers and data loaders want more", fix)
        ]
    return [ok("/dev/shm", detail)]


def _threads_of(uid: int) -> int:
    """Return how many threads a user has, which is what RLIMIT_NPROC counts (getrlimit(2))."""
    count = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if entry.stat().st_uid == uid:
                    count += len(list((entry / "task").iterdir()))
    return count


def _control_group_pids() -> tuple[int, int] | None:
    """Return tasks in use and the limit of this control group (v2, then v1); None without one."""
    for folder in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/pids")):
        try:
            most = (folder / "pids.max").read_text().strip()
            used = int((folder / "pids.current").read_text())
        except (OSError, ValueError):
            continue
        if most != "max":
            return used, int(most)
    return None


def _limit(value: int) -> str:
    return "unlimited" if value == resource.RLIM_INFINITY else str(value)
