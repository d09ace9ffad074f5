"""Sidecars in containers of their own: Docker's engine, or another one that speaks its API."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import Float, Int, Unicode

from jupyter_xdisplay.containers import engine as container_engine
from jupyter_xdisplay.containers import images
from jupyter_xdisplay.errors import StartFailed, error_from_json
from jupyter_xdisplay.paths import (
    PrivateDirectory,
    abandoned_directories,
    make_private_directory,
    remove_directory,
    write_private,
)
from jupyter_xdisplay.runtime.base import ConfiguredRuntime
from jupyter_xdisplay.sidecar import config as sidecar_config
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

DIRECTORY_LABEL = "org.jupyter.xdisplay.directory"
"""The private directory of a sidecar's container: whoever holds its lock is alive."""

HOST_LABEL = "org.jupyter.xdisplay.host"
"""Where that directory is: an engine may serve other machines, and containers with its socket."""

X_SOCKETS = "/tmp/.X11-unix"
STOP_S = 2
STDOUT, STDERR = 1, 2
FRAME = struct.Struct(">BxxxL")
"""What goes before each piece of output of a container without a terminal (Docker Engine API,
ContainerAttach): the stream, and the length in bytes."""

MAX_ANSWER_BYTES = 1 << 20
LOG_LINES = 12


class DockerRuntime(ConfiguredRuntime):
    """Starts sidecars in containers that have no privileges.

    The engine and this process share the host's files: the private directory is mounted at the
    same place in the container, and the sidecar's socket is reached there.
    """

    name = "docker"

    image = Unicode(images.SIDECAR_TAG, help="The image of sidecars.").tag(config=True)
    network = Unicode(
        "none", help="The network of sidecars: none, bridge, or one that was made by name."
    ).tag(config=True)
    memory = Unicode("1g", help="Most memory of a sidecar, as Docker writes it.").tag(config=True)
    cpus = Float(2.0, min=0.1, help="Most processors of a sidecar.").tag(config=True)
    pids_limit = Int(256, min=32, help="Most processes and threads of a sidecar.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._engine: docker.DockerClient | None = None

    async def start(self, display_id: str, spec: DisplaySpec) -> DockerSidecar:
        """Start a sidecar; see `Runtime.start`."""
        settings = self.sidecar_config(display_id, spec)
        engine = await asyncio.to_thread(self.engine)
        directory = make_private_directory(display_id)
        sidecar: DockerSidecar | None = None
        try:
            write_private(directory.path / sidecar_config.FILE_NAME, settings.to_json().encode())
            (directory.path / "x").mkdir(mode=0o700)
            sidecar = await asyncio.to_thread(self.create, engine, directory)
            await asyncio.to_thread(sidecar.launch, self.start_timeout_s + 10.0)
        except BaseException:
            if sidecar is not None:
                await sidecar.end()
            else:
                _release(directory)
            raise
        return sidecar

    def engine(self) -> docker.DockerClient:
        """Return the engine, connected to at the first call; see `containers.engine.connect`."""
        if self._engine is None:
            self._engine = container_engine.connect()
        return self._engine

    def reap(self) -> int:
        """Remove containers whose server, on this machine, is gone; return how many."""
        abandoned = {str(path) for path in abandoned_directories()}
        reaped = 0
        for container in self.engine().containers.list(
            all=True,
            filters={"label": [DIRECTORY_LABEL, f"{HOST_LABEL}={platform.node()}"]},
            ignore_removed=True,
        ):
            directory = container.labels[DIRECTORY_LABEL]
            if directory in abandoned or not Path(directory).exists():
                self.log.info("Removing a container that was left: %s", container.name)
                _remove(container)
                remove_directory(Path(directory))
                reaped += 1
        return reaped

    def create(self, engine: docker.DockerClient, directory: PrivateDirectory) -> DockerSidecar:
        """Make the container, without starting it; the doctor tries no more than that."""
        import docker

        image = images.find_sidecar(engine, self.image)
        path = str(directory.path)
        host = engine.api.create_host_config(
            network_mode=self.network,
            ipc_mode="shareable",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
            tmpfs={"/tmp": "mode=1777,size=64m"},
            mounts=[
                docker.types.Mount(path, path, type="bind"),
                docker.types.Mount(X_SOCKETS, f"{path}/x", type="bind"),
            ],
            mem_limit=self.memory,
            nano_cpus=int(self.cpus * 1e9),
            pids_limit=self.pids_limit,
        )
        try:
            made = engine.api.create_container(
                image.id,
                ["--directory", path, "--holder", "stdin"],
                name=f"jupyter-xdisplay-{directory.path.name.removeprefix('d-')}",
                user=f"{os.getuid()}:{os.getgid()}",
                stdin_open=True,
                detach=False,  # so that its input ends with whoever is attached to it
                labels={DIRECTORY_LABEL: path, HOST_LABEL: platform.node()},
                host_config=host,
            )
        except docker.errors.APIError as error:
            raise StartFailed(
                f"The sidecar's container could not be made: {error.explanation}",
                fix="jupyter xdisplay doctor",
            ) from error
        return DockerSidecar(engine, engine.containers.get(made["Id"]), directory)


class DockerSidecar:
    """A sidecar's container, held by its standard input: it ends when that does.

    Parameters
    ----------
    engine, container
        The container, made and not started.
    directory
        Its private directory, locked as long as this lives.
    """

    info: DisplayInfo

    def __init__(
        self, engine: docker.DockerClient, container: Container, directory: PrivateDirectory
    ) -> None:
        self._engine = engine
        self.container = container
        self._directory = directory
        self._lease: Any = None
        self._ended = False

    def launch(self, timeout_s: float) -> None:
        """Start it and wait for the line that says whether the display is up.

        Raises
        ------
        XDisplayError
            What the sidecar says, or StartFailed when it says nothing.
        """
        import docker

        attach, container_id = self._engine.api.attach_socket, str(self.container.id)
        try:
            self._lease = attach(container_id, {"stdin": 1, "stream": 1})
            output = attach(container_id, {"stdout": 1, "stderr": 1, "stream": 1})
            with output:
                self.container.start()
                answer, log = _read_answer(_raw(output), timeout_s)
        except docker.errors.APIError as error:
            raise StartFailed(
                f"The sidecar's container did not start: {error.explanation}",
                fix="jupyter xdisplay doctor",
            ) from error
        if answer is None:
            raise StartFailed(
                "The sidecar did not come up in its container.",
                fix=images.BUILD,
                log=log,
            )
        if "info" not in answer:
            raise error_from_json(answer["error"])
        self.info = DisplayInfo.from_json(answer["info"])

    async def end(self) -> None:
        """Let go of it, make it end, remove it. Idempotent."""
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        try:
            if self._lease is not None:
                self._lease.close()
            _remove(self.container)
        finally:
            _release(self._directory)


def _remove(container: Container) -> None:
    """End a container in peace, else by force, and remove it; one that is gone is fine."""
    import docker
    import requests

    with suppress(docker.errors.APIError, requests.RequestException):
        container.stop(timeout=STOP_S)
    with suppress(docker.errors.NotFound):
        container.remove(force=True, v=True)


def _release(directory: PrivateDirectory) -> None:
    remove_directory(directory.path)
    os.close(directory.lock_fd)


def _raw(stream: Any) -> socket.socket:
    """Return the socket below what the SDK gives: it has other wrappers for TLS and for Unix."""
    raw: socket.socket = getattr(stream, "_sock", stream)
    return raw


def _read_answer(
    stream: socket.socket, timeout_s: float
) -> tuple[dict[str, Any] | None, list[str]]:
    """Read a container's output up to its first whole line, or to its end.

    Returns
    -------
    answer
        The line as JSON, None where there was none in time.
    log
        The last lines of its standard error so far.
    """
    end = time.monotonic() + timeout_s
    received, texts = b"", {STDOUT: b"", STDERR: b""}
    while b"\n" not in texts[STDOUT] and len(texts[STDOUT]) < MAX_ANSWER_BYTES:
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
            texts[kind] = texts.get(kind, b"") + received[FRAME.size : FRAME.size + length]
            received = received[FRAME.size + length :]
    line = texts[STDOUT].partition(b"\n")[0]
    log = texts[STDERR].decode("utf-8", "replace").splitlines()[-LOG_LINES:]
    try:
        answer = json.loads(line)
    except ValueError:
        return None, log
    return (answer if isinstance(answer, dict) else None), log
