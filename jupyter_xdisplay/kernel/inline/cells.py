"""Cells: in which one a process was started, and outputs for any of them.

Every cell that runs gets a mark of its own in the environment. What is started inherits it, also
what goes to the background (whose parent is then process 1). Children of the kernel itself, and
processes without a mark, belong to the cell that ran when they started; all others to the latest
one. (A mark may be of an environment that was copied in another cell.)
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_xdisplay.kernel.host import PROCESS_NAME

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MARK_VARIABLE = "JUPYTER_XDISPLAY_CELL"
"""Environment variable: which cell of which kernel process started a program."""

CELLS_MAX = 1000
"""Most cells that are remembered."""


class Cell(NamedTuple):
    """One run of a cell.

    Attributes
    ----------
    mark
        The value of `MARK_VARIABLE` while it runs.
    began_s
        Seconds since the machine started, as processes' start times are.
    last_pid
        The newest process of that moment: start times are told in hundredths of a second.
    header
        Of the request to run it: messages with it as parent become its outputs.
    cell_id
        The notebook's name for the cell, the same at every run; None where it is not told.
    """

    mark: str
    began_s: float
    last_pid: int
    header: dict[str, Any]
    cell_id: str | None

    @property
    def is_on_a_page(self) -> bool:
        """Whether a page shows it, which can show live views.

        What runs notebooks without a page (nbclient, and with it nbconvert and papermill), and
        consoles, name no cells. They would save views that are dead in place of pictures.
        """
        return self.cell_id is not None


class Cells:
    """The cells that this kernel has run.

    Parameters
    ----------
    shell
        A kernel's shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Any = shell
        self._lock = threading.Lock()
        self._cells: dict[str, Cell] = {}
        self._count = 0

    @property
    def latest(self) -> Cell | None:
        """The cell that runs, else the last one that ran."""
        with self._lock:
            return next(reversed(self._cells.values()), None)

    def begin(self) -> Cell:
        """Take up the cell that begins now; within a cell that runs, that one."""
        request = self._shell.get_parent()
        header = dict(request.get("header", {}))
        latest = self.latest
        if latest is not None and latest.header.get("msg_id") == header.get("msg_id"):
            return latest
        self._count += 1
        cell = Cell(
            f"{PROCESS_NAME}:{self._count}",
            time.clock_gettime(time.CLOCK_BOOTTIME),
            _last_pid(),
            header,
            (request.get("metadata") or {}).get("cellId"),
        )
        with self._lock:
            self._cells[cell.mark] = cell
            while len(self._cells) > CELLS_MAX:
                del self._cells[next(iter(self._cells))]
        os.environ[MARK_VARIABLE] = cell.mark
        return cell

    def of_process(self, pid: int) -> Cell | None:
        """Return the cell that started a process, as far as that can be told; else the latest."""
        found = self._of_other(pid) if pid and pid != os.getpid() else None
        return self.newest_run(found or self.latest)

    def newest_run(self, cell: Cell | None) -> Cell | None:
        """Return the last run of a cell: front ends drop what comes for an earlier one."""
        if cell is None or cell.cell_id is None:
            return cell
        with self._lock:
            runs = [known for known in self._cells.values() if known.cell_id == cell.cell_id]
        return runs[-1] if runs else cell

    def publish(
        self,
        cell: Cell,
        bundle: dict[str, Any],
        metadata: dict[str, Any],
        output: str,
        *,
        update: bool = False,
    ) -> None:
        """Put a MIME bundle under a cell, or in place of the one with the same name `output`.

        From any thread, whatever runs: what IPython's own `display` publishes goes to the cell
        that runs now. What runs notebooks without a page hears of that one only.
        """
        if not cell.is_on_a_page:
            cell = self.latest or cell
        publisher = self._shell.display_pub
        content = {"data": bundle, "metadata": metadata, "transient": {"display_id": output}}
        kind = "update_display_data" if update else "display_data"
        message = publisher.session.msg(kind, content, parent=cell.header)
        publisher.session.send(publisher.pub_socket, message, ident=publisher.topic)

    def close(self) -> None:
        """Take the mark out of the environment."""
        os.environ.pop(MARK_VARIABLE, None)

    def _of_other(self, pid: int) -> Cell | None:
        start = _start_of(pid)
        if start is not None and start.parent == os.getpid():
            return self._at(start, pid)
        with self._lock:
            marked = self._cells.get(_mark_of(pid) or "")
        return marked or self._at(start, pid)

    def _at(self, start: _Start | None, pid: int) -> Cell | None:
        """Return the last cell that began before a process started."""
        if start is None:
            return None
        tick_s = 1 / os.sysconf("SC_CLK_TCK")  # start times are whole ticks, rounded down
        with self._lock:
            newest_first = list(self._cells.values())[::-1]
        for cell in newest_first:
            same_tick = start.time_s < cell.began_s <= start.time_s + tick_s
            if cell.began_s <= start.time_s or (same_tick and pid > cell.last_pid):
                return cell
        return None


class _Start(NamedTuple):
    """When a process started, in seconds since the machine did, and its parent now."""

    time_s: float
    parent: int


def _mark_of(pid: int) -> str | None:
    """Return a process's mark; None where it has none, or may not be read."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    prefix = f"{MARK_VARIABLE}=".encode()
    for variable in environment.split(b"\0"):
        if variable.startswith(prefix):
            return variable[len(prefix) :].decode("utf-8", "replace")
    return None


def _start_of(pid: int) -> _Start | None:
    """Return how a process started (proc(5), /proc/pid/stat, fields 4 and 22)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    if len(fields) < 20:
        return None
    return _Start(int(fields[19]) / os.sysconf("SC_CLK_TCK"), int(fields[1]))


def _last_pid() -> int:
    """Return the process that was made last (proc(5), /proc/loadavg)."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[4])
    except (OSError, ValueError, IndexError):
        return 0
