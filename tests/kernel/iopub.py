"""Everything that a kernel publishes, whichever cell it is for."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

from tests.kernel.kernel_process import KernelProcess
from tests.waiting import wait_until

VIEW = "application/vnd.jupyter.widget-view+json"


class Published:
    """Outputs by the cell that they are for, as a front end keeps them."""

    def __init__(self) -> None:
        self.outputs: dict[str, dict[str, Any]] = {}
        """The newest content of each output, by its display id, in order."""
        self.cells: dict[str, str] = {}
        """Which request each output is for."""
        self._lock = threading.Lock()

    def take(self, message: dict[str, Any]) -> None:
        """Take one message."""
        content = message["content"]
        if message["msg_type"] not in {"display_data", "update_display_data"}:
            return
        name = content["transient"].get("display_id", message["header"]["msg_id"])
        with self._lock:
            if message["msg_type"] == "display_data":
                self.cells[name] = message["parent_header"]["msg_id"]
            self.outputs[name] = content

    def of(self, cell: str) -> list[dict[str, Any]]:
        """Return the outputs of a cell, by the id of its request."""
        with self._lock:
            return [content for name, content in self.outputs.items() if self.cells[name] == cell]

    def views(self, cell: str) -> list[dict[str, Any]]:
        """Return the windows that are shown live under a cell."""
        return [
            content
            for content in self.of(cell)
            if VIEW in content["data"] and "window" in content["metadata"]["jupyter_xdisplay"]
        ]

    def wait_for_views(self, cell: str, count: int) -> list[dict[str, Any]]:
        """Wait for so many live windows under a cell."""
        wait_until(lambda: len(self.views(cell)) == count)
        return self.views(cell)


@contextmanager
def published(kernel: KernelProcess) -> Iterator[Published]:
    """Give everything that a kernel publishes from now on."""
    found = Published()
    client = kernel.manager.client()
    client.start_channels(shell=False, stdin=False, hb=False, control=False)
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            try:
                found.take(client.get_iopub_msg(timeout=0.1))
            except Empty:
                continue

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield found
    finally:
        over.set()
        reader.join()
        client.stop_channels()


def execute(kernel: KernelProcess, code: str, cell_id: str | None = None) -> str:
    """Ask for a cell to be run, as JupyterLab does; return the request's id at once.

    Without `cell_id` it is a cell that was not run before.
    """
    client = kernel.client
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
    message = client.session.msg("execute_request", content)
    message["metadata"] = {"cellId": cell_id or uuid.uuid4().hex}
    client.shell_channel.send(message)
    return str(message["header"]["msg_id"])
