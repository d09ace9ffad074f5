"""Sidecars in containers: Docker's engine, or another one that speaks its API."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import Float, Int, Unicode

from jupyter_xdisplay.containers import engine as container_engine
from jupyter_xdisplay.containers import images
from jupyter_xdisplay.containers.engine import reachable
from jupyter_xdisplay.errors import StartFailed, UsageError
from jupyter_xdisplay.paths import (
    PrivateDirectory,
    abandoned_directories,
    make_private_directory,
    remove_directory,
)
from jupyter_xdisplay.runtime.base import ConfiguredRuntime
from jupyter_xdisplay.runtime.joined import NO_SHM, Joined, join, own_container
from jupyter_xdisplay.runtime.own_containers import (
    DIRECTORY_LABEL,
    NO_RIGHTS,
    OWNER_LABEL,
    X_SOCKETS,
    name_in_use,
    own_labels,
    own_user,
    owner,
    small_log,
)
from jupyter_xdisplay.runtime.pod import PARTS, SIDECARS, Pod, X, remove_container
from jupyter_xdisplay.runtime.pod_sidecar import PodSidecar
from jupyter_xdisplay.sidecar import left_over
from jupyter_xdisplay.spec import DisplaySpec

if TYPE_CHECKING:
    import docker

    from jupyter_xdisplay.sidecar.config import SidecarConfig

TEMPORARY = "/tmp"
NOT_OUR_FILES = ("bind source path does not exist", "statfs")
"""What Docker, or podman, says that does not see our files."""

START_MORE_S = 10.0
"""What a sidecar may take beyond its X server."""


class DockerRuntime(ConfiguredRuntime):
    """Starts sidecars in containers that have no privileges.

    Where the engine and this process share files, private directories are mounted at the same
    place in the container, and the sidecars' sockets are reached there; else (an engine on another
    machine, or Jupyter in a container of its own) through the engine.
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
        """Start a sidecar for the programs of a container that is there; see `Runtime.start`.

        Raises
        ------
        UsageError
            When no container is named, and we do not run in one.
        """
        name = spec.container or own_container()
        if name is None:
            raise UsageError(
                "A display in a container is for the programs of another container, and none is "
                "named.",
                fix="--container NAME, or a kernel in a container: jupyter xdisplay kernel add; "
                "for this machine's programs: --runtime local",
            )
        engine = await asyncio.to_thread(self.engine)
        joined = await asyncio.to_thread(join, engine, name)
        pod = await self.make_pod(display_id, joined=joined)
        try:
            sidecar = await self._start_joined(pod, joined, display_id, spec)
        except BaseException:
            await pod.end()
            raise
        sidecar.owns_pod = True
        return sidecar

    async def make_pod(
        self,
        name: str,
        *,
        network: str | None = None,
        shm_size: str | None = None,
        joined: Joined | None = None,
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
        joined
            The container whose namespaces it joins; None: others join its own.

        Raises
        ------
        XDisplayError
            When the engine or the image is not there, or it cannot be made.
        """
        pod = await asyncio.to_thread(
            self.create_pod, name, network=network, shm_size=shm_size, joined=joined
        )
        try:
            await asyncio.to_thread(pod.launch)
        except BaseException:
            await pod.end()
            raise
        return pod

    def create_pod(
        self,
        name: str,
        *,
        network: str | None = None,
        shm_size: str | None = None,
        joined: Joined | None = None,
    ) -> Pod:
        """Do what `make_pod` does but for starting it, blocking."""
        engine = self.engine()
        with reachable():
            engine.ping()
        directory = make_private_directory(name)
        try:
            for part in PARTS:
                (directory.path / part).mkdir(mode=0o700)
            if joined is None:
                spaces = _own_spaces(network or self.network, shm_size)
            else:
                spaces = _joined_spaces(joined)
            return self._create(engine, directory, spaces, joined)
        except BaseException:
            remove_directory(directory.path)
            os.close(directory.lock_fd)
            raise

    async def start_in(self, pod: Pod, display_id: str, spec: DisplaySpec) -> PodSidecar:
        """Start a sidecar in a pod that runs; see `Runtime.start`."""
        place = f"docker: container {pod.container.name}, shared with the kernel's"
        return await self._run(pod, self._config(pod, display_id, spec, place=place))

    async def _start_joined(
        self, pod: Pod, joined: Joined, display_id: str, spec: DisplaySpec
    ) -> PodSidecar:
        cookie = f"/tmp/.xdisplay-{display_id}"
        pod.at_end = lambda: joined.take_cookie(cookie)
        config = self._config(
            pod,
            display_id,
            spec,
            place=joined.place,
            told_xauthority=f"{cookie}/Xauthority",
            container="" if joined.container.id == own_container() else str(joined.container.name),
        )
        if joined.why_no_shm:
            config = dataclasses.replace(config, xvfb_args=(*config.xvfb_args, *NO_SHM))
        sidecar = await self._run(pod, config)
        try:
            xauthority = await asyncio.to_thread(sidecar.read_file, "Xauthority")
            await asyncio.to_thread(joined.give_cookie, cookie, xauthority)
        except BaseException:
            await sidecar.end()
            raise
        return sidecar

    def _config(self, pod: Pod, display_id: str, spec: DisplaySpec, **more: str) -> SidecarConfig:
        told = "" if pod.is_mounted else str(pod.path / f"{display_id}.sock")
        return self.sidecar_config(display_id, spec, runtime=self.name, told_socket=told, **more)

    async def _run(self, pod: Pod, config: SidecarConfig) -> PodSidecar:
        return await asyncio.to_thread(
            pod.start_sidecar, config, self.start_timeout_s + START_MORE_S
        )

    def engine(self) -> docker.DockerClient:
        """Return the engine, connected to at the first call; see `containers.engine.connect`."""
        if self._engine is None:
            self._engine = container_engine.connect()
        return self._engine

    def reap(self) -> int:
        """Remove containers and directories whose server, on this machine, is gone.

        Returns
        -------
            How many.
        """
        import docker

        abandoned = {str(path) for path in abandoned_directories()}
        reaped = 0
        with reachable():
            listed = self.engine().containers.list(
                all=True,
                filters={"label": [DIRECTORY_LABEL, f"{OWNER_LABEL}={owner()}"]},
                ignore_removed=True,
            )
        for container in listed:
            directory = container.labels[DIRECTORY_LABEL]
            if directory not in abandoned and Path(directory).exists():
                continue
            self.log.info("Removing a container that was left: %s", container.name)
            try:
                remove_container(container)
                remove_directory(Path(directory))
            except (docker.errors.APIError, OSError) as error:  # nobody waits for what was left
                self.log.warning("%s could not be removed: %s", container.name, error)
                continue
            reaped += 1
        return reaped + len(left_over.reap())

    def _create(
        self,
        engine: docker.DockerClient,
        directory: PrivateDirectory,
        spaces: dict[str, Any],
        joined: Joined | None,
    ) -> Pod:
        """Make the container, without starting it; with our directory in it where that can be."""
        import docker

        image = images.find_sidecar(engine, self.image)
        user = own_user() if joined is None else joined.user

        def make(mounts: list[docker.types.Mount]) -> Any:
            return engine.api.create_container(
                image.id,
                name=f"jupyter-xdisplay-{directory.path.name.removeprefix('d-')}",
                user=user,
                stdin_open=True,
                detach=False,  # so that its input ends with whoever is attached to it
                labels=own_labels(directory.path),
                host_config=self._host_config(engine, spaces, mounts),
            )

        inside = str(directory.path / SIDECARS)
        bind = docker.types.Mount
        mounts = [
            bind(inside, inside, type="bind"),
            bind(X_SOCKETS, str(directory.path / X), type="bind"),
        ]
        try:
            try:
                made = make(mounts) if user == own_user() else None
            except docker.errors.APIError as error:
                if joined is None or not _are_not_ours(str(error.explanation)):
                    raise
                made = None
            if made is None:
                inside, made = TEMPORARY, make([])
        except docker.errors.APIError as error:
            raise _explain(str(error.explanation)) from error
        return Pod(engine, engine.containers.get(made["Id"]), directory, Path(inside))

    def _host_config(
        self,
        engine: docker.DockerClient,
        spaces: dict[str, Any],
        mounts: list[docker.types.Mount],
    ) -> Any:
        return engine.api.create_host_config(
            read_only=True,
            tmpfs={TEMPORARY: "mode=1777,size=64m"},
            mounts=mounts,
            mem_limit=self.memory,
            nano_cpus=int(self.cpus * 1e9),
            pids_limit=self.pids_limit,
            log_config=small_log(),
            **spaces,
            **NO_RIGHTS,
        )


def _own_spaces(network: str, shm_size: str | None) -> dict[str, Any]:
    return {"network_mode": network, "ipc_mode": "shareable", "shm_size": shm_size}


def _joined_spaces(joined: Joined) -> dict[str, Any]:
    spaces = {"network_mode": joined.mode}
    if joined.shares_pids:
        spaces["pid_mode"] = joined.mode
    if joined.why_no_shm is None:
        spaces["ipc_mode"] = joined.mode
    return spaces


def _are_not_ours(said: str) -> bool:
    return any(words in said for words in NOT_OUR_FILES)


def _explain(said: str) -> StartFailed:
    if _are_not_ours(said):
        return StartFailed(
            "The container engine does not see this machine's files: it is on another machine, or "
            "Jupyter itself runs in a container. Kernels in containers share a folder with it.",
            fix="run Jupyter on the engine's machine; where Jupyter is in a container itself, show "
            "that one's windows: %xdisplay start --runtime docker",
        )
    if "already in use by container" in said:
        return name_in_use(said.partition('"')[2].partition('"')[0].lstrip("/"))
    full = "no space left" in said.lower()
    return StartFailed(
        f"The sidecar's container could not be made: {said}",
        fix="docker system df; docker image prune   (the engine's disk is full)"
        if full
        else "jupyter xdisplay doctor",
    )
