"""Starts the sidecar program itself, without a runtime around it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from typing import Any

from jupyter_xdisplay.errors import error_from_json
from jupyter_xdisplay.paths import make_private_directory, write_private
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.sidecar.config import CONNECTION_FILE_NAME, FILE_NAME, SidecarConfig
from jupyter_xdisplay.sidecar.left_over import clean_up
from jupyter_xdisplay.spec import DisplayInfo, Size


class SidecarProcess:
    """A sidecar process and its private directory.

    Parameters
    ----------
    holder
        `--holder`; by default this process.
    changes
        Fields of `SidecarConfig`.
    """

    info: DisplayInfo

    def __init__(self, holder: str | None = None, **changes: Any) -> None:
        display_id = secrets.token_hex(6)
        self.directory, lock_fd = make_private_directory(display_id)
        settings: dict[str, Any] = {
            "display_id": display_id,
            "name": "main",
            "size": Size(640, 480),
            "max_size": Size(1280, 800),
            "dpi": 96,
            "depth": 24,
        }
        self.config = SidecarConfig(**(settings | changes))
        write_private(self.directory / FILE_NAME, self.config.to_json().encode())
        write_private(self.directory / "sidecar.log", b"")
        with (self.directory / "sidecar.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyter_xdisplay.sidecar"),
                    *("--directory", str(self.directory)),
                    *("--holder", holder or f"pid:{os.getpid()}"),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=[lock_fd],
                start_new_session=True,
            )
        os.close(lock_fd)

    @property
    def client(self) -> SidecarClient:
        """Calls to it."""
        return SidecarClient(self.info.socket)

    @property
    def pids(self) -> dict[str, int]:
        """The processes of its programs, by name."""
        pids: dict[str, int] = json.loads((self.directory / CONNECTION_FILE_NAME).read_text())[
            "pids"
        ]
        return pids

    def answer(self) -> dict[str, Any] | None:
        """Return the line that it prints when it is up or not; None when it ended without."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def up(self) -> SidecarProcess:
        """Wait until it is up; raise what it met when it is not."""
        answer = self.answer()
        assert answer is not None, (self.directory / "sidecar.log").read_text()
        if "error" in answer:
            self.process.wait(10)
            raise error_from_json(answer["error"])
        self.info = DisplayInfo.from_json(answer["info"])
        return self

    def wait(self) -> int:
        """Wait for its end; return the status."""
        return self.process.wait(20)

    def end(self) -> None:
        """End it, for certain, and what it left."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        clean_up(self.directory)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
