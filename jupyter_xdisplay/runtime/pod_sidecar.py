"""A sidecar in a pod: a process of its own there, held by its standard input."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import StartFailed, XDisplayError
from jupyter_xdisplay.paths import remove_directory
from jupyter_xdisplay.runtime.exec_stream import output_of
from jupyter_xdisplay.runtime.relay import Relay
from jupyter_xdisplay.sidecar import config as sidecar_config
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import DisplayInfo

if TYPE_CHECKING:
    from jupyter_xdisplay.runtime.exec_stream import ExecStream
    from jupyter_xdisplay.runtime.pod import Pod
    from jupyter_xdisplay.sidecar.config import SidecarConfig

END_S = 4.0
POLL_S = 0.02
MAX_ANSWER_BYTES = 1 << 20
KILL = 'kill -KILL "$(cat "$0/pid")"'
REMOVE = 'rm -rf "$0"'


class PodSidecar:
    """A sidecar in a pod, held by its standard input: it ends when that does.

    Parameters
    ----------
    pod
        Where it runs.
    exec_id
        What the engine calls its process.
    directory
        Its private directory, in the pod.
    stream
        Its standard input and output.
    """

    info: DisplayInfo

    def __init__(self, pod: Pod, exec_id: str, directory: Path, stream: ExecStream) -> None:
        self.pod = pod
        self.owns_pod = False
        """Whether the pod is there for this display alone, and ends with it."""
        self._exec_id = exec_id
        self._directory = directory
        self._stream = stream
        self._relay: Relay | None = None
        self._ending = threading.Lock()
        self._ended = False

    def read_answer(self, timeout_s: float) -> dict[str, Any] | None:
        """Return what it says once it is up, or is not; None where it says nothing."""
        with suppress(OSError):
            return read_answer(self._stream, timeout_s)
        return None

    def take(self, told: dict[str, Any], config: SidecarConfig) -> None:
        """Take what it says; where its socket is not ours, relay ours to it.

        Who it is, and where our socket is, comes from what it was told: a kernel has the same
        user, and may speak in its place.

        Raises
        ------
        StartFailed
            When that cannot be read.
        """
        theirs = self._directory / sidecar_config.SOCKET_NAME
        ours = Path(config.told_socket or theirs)
        try:
            info = DisplayInfo.from_json(told)
        except (TypeError, LookupError, AttributeError) as error:
            raise StartFailed(
                f"What the sidecar says of its display cannot be read: {error!r}.",
                fix="jupyter xdisplay image build",
            ) from error
        self.info = dataclasses.replace(
            info,
            id=config.display_id,
            name=config.name,
            socket=str(ours),
            runtime=config.runtime,
            container=config.container,
            created=config.created,
        )
        if not self.pod.is_mounted:
            ours.parent.mkdir(mode=0o700, exist_ok=True)
            self._relay = Relay(ours, lambda: self.pod.connect(theirs))

    def read_file(self, name: str) -> bytes:
        """Return a file of its private directory."""
        path = self._directory / name
        done = self.pod.container.exec_run(["cat", str(path)], stderr=False)
        if done.exit_code:
            raise StartFailed(f"{path} could not be read in its container.")
        return output_of(done)

    async def end(self) -> None:
        """Make it end, remove what it left. Idempotent."""
        await asyncio.to_thread(self.end_now)

    def end_now(self) -> None:
        """Do what `end` does, blocking."""
        with self._ending:
            try:
                if not self._ended:
                    self._ended = True
                    self._end()
            finally:
                if self.owns_pod:
                    self.pod.end_now()

    def _end(self) -> None:
        self._let_go()
        if not self._ended_within(END_S):
            self.pod.shell(KILL, str(self._directory))
            self._ended_within(END_S)
        self._remove_left_over()

    def _let_go(self) -> None:
        if self._relay is not None:
            self._relay.close()
        elif self.pod.is_mounted:
            with suppress(XDisplayError, OSError):
                SidecarClient(self._directory / sidecar_config.SOCKET_NAME).stop()
        self._stream.close()

    def _remove_left_over(self) -> None:
        if not self.pod.is_mounted and not self.owns_pod:
            self.pod.shell(REMOVE, str(self._directory))
        if self._directory.is_relative_to(self.pod.path):
            remove_directory(self._directory)

    def _ended_within(self, timeout_s: float) -> bool:
        end = time.monotonic() + timeout_s
        while not self.pod.exec_has_ended(self._exec_id):
            if time.monotonic() > end:
                return False
            time.sleep(POLL_S)
        return True


def read_answer(stream: ExecStream, timeout_s: float) -> dict[str, Any] | None:
    """Read a sidecar's standard output up to its first whole line, or to its end.

    Returns
    -------
        The line as JSON, None where there was none in time.
    """
    end = time.monotonic() + timeout_s
    output = b""
    with suppress(TimeoutError):
        while b"\n" not in output and len(output) < MAX_ANSWER_BYTES:
            data = stream.receive(max(0.01, end - time.monotonic()))
            if not data:
                break
            output += data
    try:
        answer = json.loads(output.partition(b"\n")[0])
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None
