"""The folders that a pod shares with its kernel: ours, or volumes of an engine elsewhere."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jupyter_xdisplay import paths
from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.runtime.exec_stream import shell
from jupyter_xdisplay.runtime.own_containers import X_SOCKETS, own_labels

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container
    from docker.models.volumes import Volume

    from jupyter_xdisplay.containers.engine_info import EngineInfo

X, SIDECARS, CHANNELS, TOLD = PARTS = ("x", "s", "k", "t")
"""X servers' sockets, sidecars' directories, the kernel's channels, and what it is told; each is
mounted by itself, their directory never: who could replace one in it by a link would choose what
is mounted at the next start."""

READ_ONLY = (X, SIDECARS, TOLD)
"""What the kernel cannot write."""

VOLUME_BYTES = 16 << 20
LONGEST_FILE = 4096
CONTENT_VARIABLE = "XDISPLAY_CONTENT"
WRITE = f"""
umask 077
printf "${CONTENT_VARIABLE}" > "$0" && echo yes
"""


class Folders(Protocol):
    """Where they are, and what is in them."""

    @property
    def is_ours(self) -> bool:
        """Whether they are on this machine."""

    def mount(self, part: str, *, read_only: bool) -> docker.types.Mount:
        """Return what the engine is told to mount a part, always at the same place."""

    def write(self, path: Path, content: bytes) -> None:
        """Write a file that its user alone can read.

        Raises
        ------
        StartFailed, OSError
            When that is not possible.
        """

    def read(self, path: Path) -> str:
        """Return the beginning of a file, empty where there is none."""

    def exists(self, path: Path) -> bool:
        """Tell whether something is there."""

    def unlink(self, path: Path) -> None:
        """Remove a file, if it is there."""

    def remove(self) -> None:
        """Remove what is not in our own directory."""


class OwnFolders:
    """Folders of our private directory (`Folders`)."""

    is_ours = True

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def mount(self, part: str, *, read_only: bool) -> docker.types.Mount:
        """See `Folders`."""
        import docker

        source = str(self._directory / part)
        return docker.types.Mount(target(self._directory, part), source, "bind", read_only)

    def write(self, path: Path, content: bytes) -> None:
        """See `Folders`."""
        paths.write_private(path, content)

    def read(self, path: Path) -> str:
        """See `Folders`: what it says can hurt only the kernel that wrote it."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # it may be a FIFO
        try:
            fd = os.open(path, flags)
        except OSError:
            return ""
        with os.fdopen(fd, errors="replace") as file:
            return file.read(LONGEST_FILE) if stat.S_ISREG(os.fstat(fd).st_mode) else ""

    def exists(self, path: Path) -> bool:
        """See `Folders`."""
        return path.exists()

    def unlink(self, path: Path) -> None:
        """See `Folders`: the kernel may have made it a folder."""
        try:
            path.unlink(missing_ok=True)
        except OSError:
            shutil.rmtree(path, ignore_errors=True)

    def remove(self) -> None:
        """Do nothing: they go with our directory."""


class Volumes:
    """Volumes in the memory of the engine's machine (`Folders`); files in them by the pod's shell.

    Parameters
    ----------
    directory
        Our private directory, whose paths they have in containers.
    volumes
        What `make_volumes` gave.
    container
        The pod's.
    """

    is_ours = False

    def __init__(
        self, directory: Path, volumes: Mapping[str, Volume], container: Container
    ) -> None:
        self._directory = directory
        self._volumes = volumes
        self._container = container

    def mount(self, part: str, *, read_only: bool) -> docker.types.Mount:
        """See `Folders`."""
        return volume_mount(self._directory, part, self._volumes[part], read_only=read_only)

    def write(self, path: Path, content: bytes) -> None:
        """See `Folders`."""
        octal = "".join(f"\\{byte:03o}" for byte in content)
        if self._shell(WRITE, str(path), {CONTENT_VARIABLE: octal}).strip() != "yes":
            raise StartFailed(
                f"{path} could not be written in the sidecar's container.",
                fix="jupyter xdisplay doctor",
            )

    def read(self, path: Path) -> str:
        """See `Folders`."""
        return self._shell(f'[ -f "$0" ] && timeout 2 head -c {LONGEST_FILE} "$0"', str(path))

    def exists(self, path: Path) -> bool:
        """See `Folders`."""
        return self._shell('test -e "$0" && echo yes', str(path)).strip() == "yes"

    def unlink(self, path: Path) -> None:
        """See `Folders`."""
        self._shell('rm -rf "$0"', str(path))

    def remove(self) -> None:
        """See `Folders`."""
        remove_volumes(self._volumes.values())

    def _shell(self, script: str, argument: str, environment: dict[str, str] | None = None) -> str:
        return shell(self._container, script, argument, environment)


def make_volumes(
    engine: docker.DockerClient, directory: Path, info: EngineInfo
) -> dict[str, Volume]:
    """Make a volume for each part.

    Raises
    ------
    docker.errors.APIError
        When the engine refuses; none is left then.
    """
    uid, _, gid = info.user.partition(":")
    mode = f"mode=0700,uid={uid},gid={gid}"
    if not info.podman:  # which took sizes for quotas, up to 4.7
        mode += f",size={VOLUME_BYTES}"
    made: dict[str, Volume] = {}
    try:
        for part in PARTS:
            made[part] = engine.volumes.create(
                name=f"jupyter-xdisplay-{directory.name.removeprefix('d-')}-{part}",
                driver="local",
                driver_opts={"type": "tmpfs", "device": "tmpfs", "o": mode},
                labels=own_labels(directory),
            )
    except BaseException:
        remove_volumes(made.values())
        raise
    return made


def volume_mount(
    directory: Path, part: str, volume: Volume, *, read_only: bool
) -> docker.types.Mount:
    """Return what the engine is told to mount a volume; see `Folders.mount`."""
    import docker

    # no_copy: else what an image has at that place changes the volume
    return docker.types.Mount(
        target(directory, part), str(volume.name), "volume", read_only, no_copy=True
    )


def remove_volumes(volumes: Iterable[Volume]) -> None:
    """Remove them; what is in use is removed by the next `DockerRuntime.reap`."""
    import docker
    import requests

    for volume in volumes:
        with suppress(docker.errors.APIError, requests.RequestException):
            volume.remove()


def target(directory: Path, part: str) -> str:
    """Return where a part is in containers."""
    return X_SOCKETS if part == X else str(directory / part)
