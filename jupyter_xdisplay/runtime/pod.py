"""A pod: a container that owns the namespaces in which sidecars, and perhaps a kernel, run.

Its process 1 (`sidecar.process_one`) holds network, IPC and PIDs as long as its standard input is
open, that is as long as we are there. Each sidecar is a process of its own in it (`docker exec`),
held by its own standard input. So displays come and go under a kernel that has joined the pod,
MIT-SHM works between them, and the pids that X tells of its clients are those the kernel knows.
When the pod ends, the kernel of Linux ends all that is in its PID namespace.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import StartFailed, XDisplayError, error_from_json
from jupyter_xdisplay.paths import (
    PrivateDirectory,
    check_socket_path,
    remove_directory,
    write_private,
)
from jupyter_xdisplay.sidecar import config as sidecar_config
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import DisplayInfo

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

    from jupyter_xdisplay.sidecar.config import SidecarConfig

STOP_S = 2
END_S = 4.0
POLL_S = 0.02
STDOUT = 1
FRAME = struct.Struct(">BxxxL")
"""What goes before each piece of output of a container without a terminal (Docker Engine API,
ContainerAttach): the stream, and the length in bytes."""

MAX_ANSWER_BYTES = 1 << 20
LOG_LINES = 12
LOG_NAME = "sidecar.log"
PID_NAME = "pid"

LAUNCH = 'echo $$ > "$0/pid"; exec 2>> "$0/sidecar.log"; exec "$@"'
"""What a sidecar says is in a file: nobody reads its standard error once it is up."""


class Pod:
    """A container, made and not started, with its private directory.

    Parameters
    ----------
    engine, container
        The container.
    directory
        Its private directory, locked as long as this lives, and mounted at the same path.
    """

    def __init__(
        self, engine: docker.DockerClient, container: Container, directory: PrivateDirectory
    ) -> None:
        self._engine = engine
        self.container = container
        self._directory = directory
        self._lease: Any = None
        self._ended = False

    @property
    def path(self) -> Path:
        """Its private directory."""
        return self._directory.path

    @property
    def x_sockets(self) -> Path:
        """What is /tmp/.X11-unix in it."""
        return self.path / "x"

    def launch(self) -> None:
        """Start it.

        Raises
        ------
        StartFailed
            When the engine cannot.
        """
        import docker

        try:
            attach = self._engine.api.attach_socket
            self._lease = attach(str(self.container.id), {"stdin": 1, "stream": 1})
            self.container.start()
        except docker.errors.APIError as error:
            raise StartFailed(
                f"The sidecar's container did not start: {error.explanation}",
                fix="jupyter xdisplay doctor",
            ) from error

    def is_running(self) -> bool:
        """Tell whether it runs."""
        import docker
        import requests

        try:
            self.container.reload()
        except (docker.errors.APIError, requests.RequestException):
            return False
        return str(self.container.status) == "running"

    def start_sidecar(self, config: SidecarConfig, timeout_s: float) -> PodSidecar:
        """Start a sidecar in it and wait until its display is up.

        Raises
        ------
        XDisplayError
            What the sidecar says, or StartFailed when it says nothing.
        """
        import docker

        directory = self.path / config.display_id
        check_socket_path(directory / sidecar_config.SOCKET_NAME)
        directory.mkdir(mode=0o700)
        write_private(directory / sidecar_config.FILE_NAME, config.to_json().encode())
        program = ["python3", "-m", "jupyter_xdisplay.sidecar"]
        arguments = ["--directory", str(directory), "--holder", "stdin"]
        command = ["sh", "-c", LAUNCH, str(directory), *program, *arguments]
        api = self._engine.api
        sidecar: PodSidecar | None = None
        try:
            made = api.exec_create(str(self.container.id), command, stdin=True)
            stream = api.exec_start(made["Id"], socket=True)
            sidecar = PodSidecar(self, made["Id"], directory, stream)
            answer = _read_answer(_raw(stream), timeout_s)
        except docker.errors.APIError as error:
            remove_directory(directory)
            raise StartFailed(
                f"The sidecar could not be started in its container: {error.explanation}",
                fix="jupyter xdisplay doctor",
                log=self.log(),
            ) from error
        if answer is not None and "info" in answer:
            sidecar.info = DisplayInfo.from_json(answer["info"])
            return sidecar
        log = _tail(directory / LOG_NAME) or self.log()
        sidecar.end_now()
        if answer is not None:
            raise error_from_json(answer["error"])
        raise StartFailed(
            "The sidecar did not come up in its container.",
            fix="jupyter xdisplay image build",
            log=log,
        )

    def log(self) -> list[str]:
        """Return the last lines that its process 1 wrote."""
        import docker
        import requests

        with suppress(docker.errors.APIError, requests.RequestException):
            text = self.container.logs(tail=LOG_LINES).decode("utf-8", "replace")
            return [str(line) for line in text.splitlines()]
        return []

    def exec_has_ended(self, exec_id: str) -> bool:
        """Tell whether a process that was started in it has ended."""
        import docker
        import requests

        try:
            return not self._engine.api.exec_inspect(exec_id)["Running"]
        except (docker.errors.APIError, requests.RequestException):
            return True  # with its container, or the engine

    def kill(self, pid: str) -> None:
        """Kill a process in it, by its pid in there."""
        import docker
        import requests

        with suppress(docker.errors.APIError, requests.RequestException):
            self.container.exec_run(["kill", "-KILL", pid])

    async def end(self) -> None:
        """End it with all that is in it, and remove it. Idempotent."""
        await asyncio.to_thread(self.end_now)

    def end_now(self) -> None:
        """Do what `end` does, blocking."""
        if self._ended:
            return
        self._ended = True
        try:
            if self._lease is not None:
                self._lease.close()
            remove_container(self.container)
        finally:
            remove_directory(self.path)
            os.close(self._directory.lock_fd)


class PodSidecar:
    """A sidecar in a pod, held by its standard input: it ends when that does.

    Parameters
    ----------
    pod
        Where it runs.
    exec_id
        What the engine calls its process.
    directory
        Its private directory, in the pod's.
    stream
        Its standard input and output.
    """

    info: DisplayInfo

    def __init__(self, pod: Pod, exec_id: str, directory: Path, stream: Any) -> None:
        self.pod = pod
        self.owns_pod = False
        """Whether the pod is there for this display alone, and ends with it."""
        self._exec_id = exec_id
        self._directory = directory
        self._stream = stream
        self._ended = False

    async def end(self) -> None:
        """Make it end, remove what it left. Idempotent."""
        await asyncio.to_thread(self.end_now)

    def end_now(self) -> None:
        """Do what `end` does, blocking."""
        if not self._ended:
            self._ended = True
            self._let_go()
            if not self._ended_within(END_S):
                with suppress(OSError):
                    self.pod.kill((self._directory / PID_NAME).read_text().strip())
                self._ended_within(END_S)
            remove_directory(self._directory)
        if self.owns_pod:
            self.pod.end_now()

    def _let_go(self) -> None:
        with suppress(XDisplayError, OSError):
            SidecarClient(self._directory / sidecar_config.SOCKET_NAME).stop()
        with suppress(OSError):
            _raw(self._stream).shutdown(socket.SHUT_RDWR)
        self._stream.close()

    def _ended_within(self, timeout_s: float) -> bool:
        end = time.monotonic() + timeout_s
        while not self.pod.exec_has_ended(self._exec_id):
            if time.monotonic() > end:
                return False
            time.sleep(POLL_S)
        return True


def remove_container(container: Container) -> None:
    """End a container in peace, else by force, and remove it; one that is gone is fine."""
    import docker
    import requests

    with suppress(docker.errors.APIError, requests.RequestException):
        container.stop(timeout=STOP_S)
    with suppress(docker.errors.NotFound, requests.RequestException):
        try:
            container.remove(force=True, v=True)
        except docker.errors.APIError as error:
            if error.status_code != 409:  # the engine removes it already
                raise


def _raw(stream: Any) -> socket.socket:
    """Return the socket below what the SDK gives: it has other wrappers for TLS and for Unix."""
    raw: socket.socket = getattr(stream, "_sock", stream)
    return raw


def _read_answer(stream: socket.socket, timeout_s: float) -> dict[str, Any] | None:
    """Read a sidecar's standard output up to its first whole line, or to its end.

    Returns
    -------
        The line as JSON, None where there was none in time.
    """
    end = time.monotonic() + timeout_s
    received, output = b"", b""
    while b"\n" not in output and len(output) < MAX_ANSWER_BYTES:
        try:
            stream.settimeout(max(0.01, end - time.monotonic()))
            data = stream.recv(64 * 1024)
        except TimeoutError:
            break
        if not data:
            break
        received += data
        while len(received) >= FRAME.size:
            kind, length = FRAME.unpack_from(received)
            if len(received) < FRAME.size + length:
                break
            if kind == STDOUT:
                output += received[FRAME.size : FRAME.size + length]
            received = received[FRAME.size + length :]
    try:
        answer = json.loads(output.partition(b"\n")[0])
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _tail(log: Path) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines()[-LOG_LINES:]
    except OSError:
        return []
