"""Makes the container of a pod: which namespaces, folders and limits it has."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_xdisplay.containers.engine import disk_full, is_full, program
from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.paths import PrivateDirectory, make_private_directory, remove_directory
from jupyter_xdisplay.runtime.joined import Joined
from jupyter_xdisplay.runtime.own_containers import (
    COOKIE_LABEL,
    cookie_folder,
    name_in_use,
    no_rights,
    own_labels,
    small_log,
)
from jupyter_xdisplay.runtime.pod import Pod
from jupyter_xdisplay.runtime.pod_folders import (
    PARTS,
    SIDECARS,
    Folders,
    OwnFolders,
    Volumes,
    X,
    make_volumes,
    remove_volumes,
    volume_mount,
)
from jupyter_xdisplay.sidecar.process_one import OPEN_VARIABLE

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

    from jupyter_xdisplay.containers.engine_info import EngineInfo

TEMPORARY = "/tmp"
NOT_OUR_FILES = ("bind source path does not exist", "Mounts denied", "statfs")
"""What Docker, Docker Desktop, or podman says that does not see our files."""


class Limits(NamedTuple):
    """Most memory, as Docker writes it, processors, and processes with threads."""

    memory: str
    cpus: float
    pids: int


class OwnSpaces(NamedTuple):
    """Namespaces of its own, which others join: its network, and the size of its /dev/shm."""

    network: str = "none"
    shm_size: str | None = None


def create_pod(
    engine: docker.DockerClient,
    info: EngineInfo,
    image_id: str,
    limits: Limits,
    name: str,
    spaces: OwnSpaces | Joined,
) -> Pod:
    """Make a pod without starting it.

    Raises
    ------
    StartFailed
        When the engine refuses.
    PrivateDirectoryError
        When its directory cannot be made.
    """
    import docker

    directory = make_private_directory(name)
    with ExitStack() as undo:
        undo.callback(os.close, directory.lock_fd)
        undo.callback(remove_directory, directory.path)
        for part in PARTS:
            (directory.path / part).mkdir(mode=0o700)
        maker = _Maker(engine, info, image_id, limits, directory, spaces)
        try:
            pod = maker.in_others(spaces) if isinstance(spaces, Joined) else maker.with_kernel()
        except docker.errors.APIError as error:
            raise _explain(str(error.explanation), program(podman=info.podman)) from error
        undo.pop_all()
    return pod


@dataclass(frozen=True)
class _Maker:
    """Makes a pod's container: with our folders in it, with volumes, or with neither."""

    engine: docker.DockerClient
    info: EngineInfo
    image_id: str
    limits: Limits
    directory: PrivateDirectory
    spaces: OwnSpaces | Joined

    def with_kernel(self) -> Pod:
        """Make a pod that a kernel will join: they share folders, or else volumes."""
        container = self._with_our_folders()
        if container is not None:
            return self._pod(container, OwnFolders(self.directory.path), self._sidecars)
        volumes = make_volumes(self.engine, self.directory.path, self.info)
        try:
            container = self._container(
                volume_mount(self.directory.path, part, volume, read_only=False)
                for part, volume in volumes.items()
            )
        except BaseException:
            remove_volumes(volumes.values())
            raise
        folders = Volumes(self.directory.path, volumes, container)
        return self._pod(container, folders, self._sidecars)

    def in_others(self, joined: Joined) -> Pod:
        """Make a pod in somebody's container: our folders are of use where its user is ours."""
        # with the label of a container that SELinux confines, none of our folders can be read
        if self.info.is_us(joined.user, joined.userns_mode) and not self.info.selinux:
            container = self._with_our_folders()
            if container is not None:
                return self._pod(container, None, self._sidecars)
        return self._pod(self._container(()), None, Path(TEMPORARY))

    @property
    def _sidecars(self) -> Path:
        return self.directory.path / SIDECARS

    def _pod(self, container: Container, folders: Folders | None, inside: Path) -> Pod:
        return Pod(self.engine, container, self.directory, folders, inside)

    def _with_our_folders(self) -> Container | None:
        """Make the container with folders of ours; None where its engine does not see them."""
        import docker

        own = OwnFolders(self.directory.path)
        try:
            return self._container(own.mount(part, read_only=False) for part in (SIDECARS, X))
        except docker.errors.APIError as error:
            if any(words in str(error.explanation) for words in NOT_OUR_FILES):
                return None
            raise

    def _container(self, mounts: Iterable[docker.types.Mount]) -> Container:
        spaces = self.spaces
        name = self.directory.path.name.removeprefix("d-")
        labels = own_labels(self.directory.path)
        environment = {}
        if isinstance(spaces, Joined):
            labels[COOKIE_LABEL] = cookie_folder(name)
            environment[OPEN_VARIABLE] = "1"
        made = self.engine.api.create_container(
            self.image_id,
            name=f"jupyter-xdisplay-{name}",
            user=spaces.user if isinstance(spaces, Joined) else self.info.user,
            stdin_open=True,
            detach=False,  # so that its input ends with whoever is attached to it
            labels=labels,
            environment=environment,
            host_config=self.engine.api.create_host_config(
                read_only=True,
                tmpfs={TEMPORARY: "mode=1777,size=64m"},
                mounts=list(mounts),
                log_config=small_log(),
                **_limits(self.limits, self.info),
                **_namespaces(spaces, self.info),
                **no_rights(self.info, has_folders=not isinstance(spaces, Joined)),
            ),
        )
        return self.engine.containers.get(str(made["Id"]))


def _limits(limits: Limits, info: EngineInfo) -> dict[str, Any]:
    """Return the limits that this engine can keep: it refuses, or passes over, others."""
    known = {
        "memory": ("mem_limit", limits.memory),
        "processors": ("nano_cpus", info.nano_cpus(limits.cpus)),
        "processes": ("pids_limit", limits.pids),
    }
    return dict(limit for name, limit in known.items() if name not in info.unlimited)


def _namespaces(spaces: OwnSpaces | Joined, info: EngineInfo) -> dict[str, Any]:
    if isinstance(spaces, OwnSpaces):
        return {
            "network_mode": spaces.network,
            "ipc_mode": "shareable",
            "shm_size": spaces.shm_size,
            "userns_mode": info.userns_mode,
        }
    found: dict[str, Any] = {
        "network_mode": spaces.mode,
        "userns_mode": "host" if spaces.userns_mode == "host" else None,
    }
    if spaces.shares_pids:
        found["pid_mode"] = spaces.mode
    if spaces.why_no_shm is None:
        found["ipc_mode"] = spaces.mode
    return found


def _explain(said: str, program: str) -> StartFailed:
    """Return what a refusal means; `program` is the engine's own command."""
    if "already in use by" in said:  # container "4bd9…", or with podman 4bd9…
        return name_in_use(said.partition('"')[2].partition('"')[0].lstrip("/"), program)
    fix = disk_full(program) if is_full(said) else "jupyter xdisplay doctor"
    return StartFailed(f"The sidecar's container could not be made: {said}", fix=fix)
