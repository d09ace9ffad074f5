"""Sidecars in containers: Docker's engine, or another one that speaks its API."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

from traitlets import Float, Int, Unicode

from jupyter_xdisplay.containers import engine as container_engine
from jupyter_xdisplay.containers import images
from jupyter_xdisplay.containers.address import Address, find_address
from jupyter_xdisplay.containers.engine import reachable
from jupyter_xdisplay.containers.engine_info import EngineInfo, read_engine
from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.paths import abandoned_directories
from jupyter_xdisplay.runtime.base import ConfiguredRuntime
from jupyter_xdisplay.runtime.joined import NO_SHM, Joined, join, own_container
from jupyter_xdisplay.runtime.joined_socket import find_socket
from jupyter_xdisplay.runtime.own_containers import cookie_folder
from jupyter_xdisplay.runtime.pod import Pod
from jupyter_xdisplay.runtime.pod_create import Limits, OwnSpaces, create_pod
from jupyter_xdisplay.runtime.pod_sidecar import PodSidecar
from jupyter_xdisplay.runtime.reap import reap_containers
from jupyter_xdisplay.sidecar import left_over
from jupyter_xdisplay.spec import DisplaySpec

if TYPE_CHECKING:
    import docker

    from jupyter_xdisplay.sidecar.config import SidecarConfig

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
    memory = Unicode("1g", help="Most memory of a sidecar, as Docker writes it.").tag(config=True)
    cpus = Float(2.0, min=0.1, help="Most processors of a sidecar.").tag(config=True)
    pids_limit = Int(256, min=32, help="Most processes and threads of a sidecar.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._engine: docker.DockerClient | None = None
        self._address: Address | None = None
        self._info: EngineInfo | None = None

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
        joined = await asyncio.to_thread(join, engine, name, own_container())
        pod = await self.make_pod(display_id, joined)
        try:
            sidecar = await self._start_joined(pod, joined, display_id, spec)
        except BaseException:
            await pod.end()
            raise
        sidecar.owns_pod = True
        return sidecar

    async def make_pod(self, name: str, spaces: OwnSpaces | Joined) -> Pod:
        """Make and start a pod; see `create_pod`."""
        pod = await asyncio.to_thread(self.create_pod, name, spaces)
        try:
            await asyncio.to_thread(pod.launch)
        except BaseException:
            await pod.end()
            raise
        return pod

    def create_pod(self, name: str, spaces: OwnSpaces | Joined) -> Pod:
        """Make a pod without starting it, blocking.

        Parameters
        ----------
        name
            Part of the names of its directory and its container.
        spaces
            Its namespaces: new ones that others join, or those of a container.

        Raises
        ------
        XDisplayError
            When the engine or the image is not there, or it cannot be made.
        """
        engine = self.engine()
        with reachable():
            engine.ping()
            limits = Limits(self.memory, self.cpus, self.pids_limit)
            image = images.find_sidecar(engine, self.image)
            return create_pod(engine, self.engine_info(), str(image.id), limits, name, spaces)

    async def start_in(self, pod: Pod, display_id: str, spec: DisplaySpec) -> PodSidecar:
        """Start a sidecar in a pod that runs; see `Runtime.start`."""
        place = f"docker: container {pod.container.name}, shared with the kernel's; {self.where}"
        return await self._run(pod, self._config(pod, display_id, spec, place=place))

    async def _start_joined(
        self, pod: Pod, joined: Joined, display_id: str, spec: DisplaySpec
    ) -> PodSidecar:
        cookie = cookie_folder(display_id)
        pod.at_end.callback(joined.take_cookie, cookie)
        x_socket = await asyncio.to_thread(find_socket, pod, joined)
        config = self._config(
            pod,
            display_id,
            spec,
            place=f"{joined.place}{x_socket.words}; {self.where}",
            told_xauthority=f"{cookie}/Xauthority",
            container="" if joined.container.id == own_container() else spec.container or "",
        )
        if joined.why_no_shm:
            config = dataclasses.replace(config, xvfb_args=(*config.xvfb_args, *NO_SHM))
        sidecar = await self._run(pod, config)
        pod.at_end.callback(x_socket.remove, sidecar.info.display)
        try:
            xauthority = await asyncio.to_thread(sidecar.read_file, "Xauthority")
            await asyncio.to_thread(joined.give_cookie, cookie, xauthority)
            await asyncio.to_thread(x_socket.place, sidecar.info.display)
        except BaseException:
            await sidecar.end()
            raise
        return sidecar

    def _config(self, pod: Pod, display_id: str, spec: DisplaySpec, **more: str) -> SidecarConfig:
        has_our_paths = pod.is_mounted or pod.folders is not None
        told = "" if has_our_paths else str(pod.path / f"{display_id}.sock")
        return self.sidecar_config(display_id, spec, runtime=self.name, told_socket=told, **more)

    async def _run(self, pod: Pod, config: SidecarConfig) -> PodSidecar:
        return await asyncio.to_thread(
            pod.start_sidecar, config, self.start_timeout_s + START_MORE_S
        )

    def engine(self) -> docker.DockerClient:
        """Return the engine, connected to at the first call; see `containers.engine.connect`."""
        if self._engine is None:
            self._engine = container_engine.connect()
            self._address = find_address()
        return self._engine

    @property
    def where(self) -> str:
        """Which engine is used, and why, in words."""
        return f"engine at {self._address} ({self._address.why})" if self._address else "no engine"

    def engine_info(self) -> EngineInfo:
        """Return what decides how containers are made, read at the first call."""
        if self._info is None:
            with reachable():
                self._info = read_engine(self.engine())
            if self._info.unlimited:
                self.log.warning(
                    "The container engine cannot limit the %s of sidecars: jupyter xdisplay doctor",
                    ", ".join(sorted(self._info.unlimited)),
                )
        return self._info

    def reap(self) -> int:
        """Remove containers and directories whose server, on this machine, is gone.

        Returns
        -------
            How many.
        """
        abandoned = {str(path) for path in abandoned_directories()}
        reaped = reap_containers(self.engine(), abandoned)
        return reaped + len(left_over.reap())
