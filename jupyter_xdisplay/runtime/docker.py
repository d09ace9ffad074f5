"""Sidecars in containers: Docker's engine, or another one that speaks its API."""

from __future__ import annotations

import asyncio
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import Float, Int, Unicode

from jupyter_xdisplay.containers import engine as container_engine
from jupyter_xdisplay.containers import images
from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.paths import (
    PrivateDirectory,
    abandoned_directories,
    make_private_directory,
    remove_directory,
)
from jupyter_xdisplay.runtime.base import ConfiguredRuntime
from jupyter_xdisplay.runtime.pod import Pod, PodSidecar, remove_container
from jupyter_xdisplay.spec import DisplaySpec

if TYPE_CHECKING:
    import docker

DIRECTORY_LABEL = "org.jupyter.xdisplay.directory"
"""The private directory of a pod's containers: whoever holds its lock is alive."""

HOST_LABEL = "org.jupyter.xdisplay.host"
"""Where that directory is: an engine may serve other machines, and containers with its socket."""

X_SOCKETS = "/tmp/.X11-unix"
NO_RIGHTS: dict[str, Any] = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
"""What no container of ours has."""

START_MORE_S = 10.0
"""What a sidecar may take beyond its X server."""


class DockerRuntime(ConfiguredRuntime):
    """Starts sidecars in containers that have no privileges.

    The engine and this process share the host's files: private directories are mounted at the
    same place in the container, and the sidecars' sockets are reached there.
    """

    name = "docker"

    image = Unicode(images.SIDECAR_TAG, help="The image of sidecars.").tag(config=True)
    network = Unicode(
        "none",
        help="The network of sidecars that no kernel shares: none, bridge, or one that was made "
        "by name.",
    ).tag(config=True)
    memory = Unicode("1g", help="Most memory of a sidecar, as Docker writes it.").tag(config=True)
    cpus = Float(2.0, min=0.1, help="Most processors of a sidecar.").tag(config=True)
    pids_limit = Int(256, min=32, help="Most processes and threads of a sidecar.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._engine: docker.DockerClient | None = None

    async def start(self, display_id: str, spec: DisplaySpec) -> PodSidecar:
        """Start a sidecar in a pod of its own; see `Runtime.start`."""
        pod = await self.make_pod(display_id)
        try:
            sidecar = await self.start_in(pod, display_id, spec)
        except BaseException:
            await pod.end()
            raise
        sidecar.owns_pod = True
        return sidecar

    async def make_pod(
        self, name: str, *, network: str | None = None, shm_size: str | None = None
    ) -> Pod:
        """Make and start a pod.

        Parameters
        ----------
        name
            Part of the names of its directory and its container.
        network
            Its network; the configured one by default.
        shm_size
            The size of its /dev/shm, as Docker writes it.

        Raises
        ------
        XDisplayError
            When the engine or the image is not there, or it cannot be made.
        """
        engine = await asyncio.to_thread(self.engine)
        directory = make_private_directory(name)
        try:
            for part in ("x", "k"):
                (directory.path / part).mkdir(mode=0o700)
            pod = await asyncio.to_thread(
                self._create, engine, directory, network or self.network, shm_size
            )
        except BaseException:
            remove_directory(directory.path)
            os.close(directory.lock_fd)
            raise
        try:
            await asyncio.to_thread(pod.launch)
        except BaseException:
            await pod.end()
            raise
        return pod

    async def start_in(self, pod: Pod, display_id: str, spec: DisplaySpec) -> PodSidecar:
        """Start a sidecar in a pod that runs; see `Runtime.start`."""
        settings = self.sidecar_config(display_id, spec, runtime=self.name)
        timeout_s = self.start_timeout_s + START_MORE_S
        return await asyncio.to_thread(pod.start_sidecar, settings, timeout_s)

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
                remove_container(container)
                remove_directory(Path(directory))
                reaped += 1
        return reaped

    def _create(
        self,
        engine: docker.DockerClient,
        directory: PrivateDirectory,
        network: str,
        shm_size: str | None,
    ) -> Pod:
        """Make the container, without starting it."""
        import docker

        image = images.find_sidecar(engine, self.image)
        path = str(directory.path)
        host = engine.api.create_host_config(
            network_mode=network,
            ipc_mode="shareable",
            shm_size=shm_size,
            read_only=True,
            tmpfs={"/tmp": "mode=1777,size=64m"},
            mounts=[
                docker.types.Mount(path, path, type="bind"),
                docker.types.Mount(X_SOCKETS, f"{path}/x", type="bind"),
            ],
            mem_limit=self.memory,
            nano_cpus=int(self.cpus * 1e9),
            pids_limit=self.pids_limit,
            log_config=small_log(),
            **NO_RIGHTS,
        )
        try:
            made = engine.api.create_container(
                image.id,
                name=f"jupyter-xdisplay-{directory.path.name.removeprefix('d-')}",
                user=own_user(),
                stdin_open=True,
                detach=False,  # so that its input ends with whoever is attached to it
                labels=own_labels(directory.path),
                host_config=host,
            )
        except docker.errors.APIError as error:
            raise StartFailed(
                f"The sidecar's container could not be made: {error.explanation}",
                fix="jupyter xdisplay doctor",
            ) from error
        return Pod(engine, engine.containers.get(made["Id"]), directory)


class PodRuntime:
    """The displays of one kernel, in the pod that it has joined.

    Parameters
    ----------
    runtime
        Whose settings they have.
    pod
        Where they run.
    """

    name = DockerRuntime.name

    def __init__(self, runtime: DockerRuntime, pod: Pod) -> None:
        self._runtime = runtime
        self.pod = pod

    async def start(self, display_id: str, spec: DisplaySpec) -> PodSidecar:
        """Start a sidecar; see `Runtime.start`."""
        return await self._runtime.start_in(self.pod, display_id, spec)

    def reap(self) -> int:
        """Do nothing: the pod is ours."""
        return 0


def own_user() -> str:
    """Return the user of our containers: ours, so that files and shared memory are."""
    return f"{os.getuid()}:{os.getgid()}"


def own_labels(directory: Path) -> dict[str, str]:
    """Return the labels by which containers that were left are found."""
    return {DIRECTORY_LABEL: str(directory), HOST_LABEL: platform.node()}


def small_log() -> Any:
    """Return the log settings of our containers: an engine keeps logs without an end."""
    import docker

    return docker.types.LogConfig(type="json-file", config={"max-size": "1m", "max-file": "1"})
