"""A real ipykernel in a process of its own, and what its cells print, show and raise."""

from __future__ import annotations

import base64
import io
import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from PIL import Image

REPOSITORY = Path(__file__).parents[2]
CELL_TIMEOUT_S = 60.0
READY_S = 45.0


class Cell:
    """What one cell did."""

    def __init__(self) -> None:
        self.status = ""
        self.text = ""
        self.data: list[dict[str, Any]] = []
        self.updates: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self.comms: list[dict[str, Any]] = []

    @property
    def error(self) -> dict[str, Any]:
        """The one error of the cell."""
        assert len(self.errors) == 1, self
        return self.errors[0]

    @property
    def traceback(self) -> str:
        """What front ends show for the error."""
        return "\n".join(self.error["traceback"])

    @property
    def result(self) -> str:
        """The text of the last thing that was shown."""
        return str(self.data[-1]["data"]["text/plain"])

    @property
    def words(self) -> str:
        """All text: what was printed, and what stands for outputs that are more than text."""
        return "\n".join([self.text, *(str(one["data"].get("text/plain")) for one in self.data)])

    def take(self, message: dict[str, Any]) -> None:
        """Take one message of the iopub channel."""
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            self.text += content["text"]
        elif kind in {"display_data", "execute_result"}:
            self.data.append(content)
        elif kind == "update_display_data":
            self.updates.append(content)
        elif kind == "error":
            self.errors.append(content)
        elif kind.startswith("comm_"):
            self.comms.append(message)

    def __repr__(self) -> str:
        return f"<Cell {self.status} {self.text!r} {self.errors} {self.data}>"


def _start(environment: dict[str, str]) -> tuple[KernelManager, BlockingKernelClient]:
    """Start a kernel; once more where a port of its was taken before it came up.

    Ports are chosen first and taken later (jupyter_client), and tests run side by side.
    """
    for last in (False, True):
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(env=environment)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=READY_S)
        except RuntimeError:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            if last:
                raise
        else:
            return manager, client
    raise AssertionError


class KernelProcess:
    """A kernel for tests.

    Parameters
    ----------
    environment
        Variables on top of this process's own.
    """

    def __init__(self, **environment: str) -> None:
        inherited = {
            key: value
            for key, value in os.environ.items()
            if key not in {"DISPLAY", "XAUTHORITY", "MPLBACKEND"}
        }
        paths = [str(REPOSITORY), *filter(None, [inherited.get("PYTHONPATH")])]
        inherited["PYTHONPATH"] = os.pathsep.join(paths)
        self.manager, self.client = _start({**inherited, **environment})
        self._stacks = self.stacks_file()

    def stacks_file(self) -> Path:
        """Make the kernel write the stacks of its threads to a file when it gets SIGUSR1."""
        file = Path(tempfile.mkdtemp(prefix="stacks-")) / "stacks"
        self.ok(
            "import faulthandler, signal\n"
            f"faulthandler.register(signal.SIGUSR1, file=open({str(file)!r}, 'w'))\n"
            "del faulthandler, signal"
        )
        return file

    def run(self, code: str, *, answer: str | None = None) -> Cell:
        """Run a cell to its end; `answer` is what the user types at its prompt."""
        cell = Cell()
        self.client.session.metadata = {"cellId": uuid.uuid4().hex}  # as JupyterLab says it
        try:
            reply = self.client.execute_interactive(
                code,
                allow_stdin=answer is not None,
                output_hook=cell.take,
                stdin_hook=lambda _message: self.client.input(answer),
                timeout=CELL_TIMEOUT_S,
            )
        except TimeoutError:
            self.manager.signal_kernel(signal.SIGUSR1)
            time.sleep(1)
            pytest.fail(f"{code!r} does not end: {cell}\n{self._stacks.read_text()}")
        cell.status = reply["content"]["status"]
        return cell

    def ok(self, code: str) -> Cell:
        """Run a cell that must not fail."""
        cell = self.run(code)
        assert cell.status == "ok", cell
        return cell

    def fails(self, code: str, kind: str) -> Cell:
        """Run a cell that must fail with an error of that kind, told without a traceback."""
        cell = self.run(code)
        assert cell.status == "error", cell
        assert cell.error["ename"] == kind, cell
        assert "Traceback" not in cell.traceback
        assert ".py" not in cell.traceback
        return cell

    def value(self, expression: str) -> str:
        """Return the repr of an expression in the kernel."""
        cell = self.ok(f"print(repr(({expression})))")
        return cell.text.strip().splitlines()[-1]

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true in the kernel, whose event loop runs meanwhile."""
        for _ in range(100):
            if self.value(f"bool({expression})") == "True":
                return
            self.ok("import time; time.sleep(0.05)")
        raise AssertionError(f"{expression} did not become true")

    def complete(self, line: str) -> list[str]:
        """Return what Tab offers at the end of a line."""
        answer = self.client.complete(line, len(line), reply=True, timeout=CELL_TIMEOUT_S)
        return list(answer["content"]["matches"])

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return bool(self.manager.is_alive())

    def end(self) -> None:
        """Shut it down."""
        self.client.stop_channels()
        shutil.rmtree(self._stacks.parent)
        self.manager.shutdown_kernel(now=not self.is_alive())
        self.manager.cleanup_resources()


def picture(content: dict[str, Any]) -> Image.Image:
    """Return the PNG of an output."""
    return Image.open(io.BytesIO(base64.b64decode(content["data"]["image/png"]))).convert("RGB")


Starter = Callable[..., KernelProcess]
