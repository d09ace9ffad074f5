"""Makes the container of a pod: which namespaces, folders and limits it has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_xdisplay.containers.engine import disk_full, is_full, program
from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.paths import PrivateDirectory, make_private_directory, remove_directory
from jupyter_xdisplay.runtime.joined import Joined
from jupyter_xdisplay.runtime.own_containers import (
    name_in_use,
    no_rights,
    own_labels,
    small_log,
)
from jupyter_xdisplay.runtime.pod import Pod
from jupyter_xdisplay.runtime.pod_folders import PARTS, SIDECARS, OwnFolders, Volumes, X

if TYPE_CHECKING:
    import docker

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
    directory = make_private_directory(name)
    try:
        for part in PARTS:
            (directory.path / part).mkdir(mode=0o700)
        return _create(engine, info, image_id, limits, directory, spaces)
    except BaseException:
        remove_directory(directory.path)
        os.close(directory.lock_fd)
        raise


def _create(
    engine: docker.DockerClient,
    info: EngineInfo,
    image_id: str,
    limits: Limits,
    directory: PrivateDirectory,
    spaces: OwnSpaces | Joined,
) -> Pod:
    """Make the container, with our directory in it where that can be."""
    import docker

    joined = spaces if isinstance(spaces, Joined) else None
    # of a container that is confined by SELinux we take the label, which opens no folder of ours
    ours = joined is None or (info.is_us(joined.user, joined.userns_mode) and not info.selinux)

    def make(mounts: list[docker.types.Mount]) -> Any:
        return engine.api.create_container(
            image_id,
            name=f"jupyter-xdisplay-{directory.path.name.removeprefix('d-')}",
            user=info.user if joined is None else joined.user,
            stdin_open=True,
            detach=False,  # so that its input ends with whoever is attached to it
            labels=own_labels(directory.path),
            host_config=engine.api.create_host_config(
                read_only=True,
                tmpfs={TEMPORARY: "mode=1777,size=64m"},
                mounts=mounts,
                log_config=small_log(),
                **_limits(limits, info),
                **_namespaces(spaces, info),
                **no_rights(info, has_folders=joined is None),
            ),
        )

    own = OwnFolders(directory.path)
    folders: OwnFolders | Volumes | None = own if joined is None else None
    inside = directory.path / SIDECARS
    bound = [own.mount(part, read_only=False) for part in (SIDECARS, X)]
    try:
        try:
            made = make(bound) if ours else None
        except docker.errors.APIError as error:
            if not _are_not_ours(str(error.explanation)):
                raise
            made = None
        if made is None and joined is None:
            folders = volumes = Volumes(engine, directory.path, info)
            made = make([volumes.mount(part, read_only=False) for part in PARTS])
        elif made is None:
            inside, made = Path(TEMPORARY), make([])
    except BaseException as error:
        if folders is not None:
            folders.remove()
        if isinstance(error, docker.errors.APIError):
            raise _explain(str(error.explanation), program(podman=info.podman)) from error
        raise
    pod = Pod(engine, engine.containers.get(made["Id"]), directory, folders, inside)
    if isinstance(folders, Volumes):
        folders.shell = pod.shell
    return pod


def _limits(limits: Limits, info: EngineInfo) -> dict[str, Any]:
    """Return the limits that this engine can keep: it refuses, or passes over, others."""
    known = {
        "memory": ("mem_limit", limits.memory),
        "processors": ("nano_cpus", int(limits.cpus * 1e9)),
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


def _are_not_ours(said: str) -> bool:
    return any(words in said for words in NOT_OUR_FILES)


def _explain(said: str, program: str) -> StartFailed:
    """Return what a refusal means; `program` is the engine's own command."""
    if "already in use by" in said:  # container "4bd9…", or with podman 4bd9…
        return name_in_use(said.partition('"')[2].partition('"')[0].lstrip("/"), program)
    fix = disk_full(program) if is_full(said) else "jupyter xdisplay doctor"
    return StartFailed(f"The sidecar's container could not be made: {said}", fix=fix)
