"""Which folders of this machine a kernel in a container sees: looked at anew at each launch.

A name says little of what it leads to, and what it leads to may change: a kernel writes in the
folder that Jupyter serves, and could put a link in the place of a folder that its next process
gets. So names are followed here, and the engine is given what was found.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_xdisplay.containers.address import find_address
from jupyter_xdisplay.containers.options import Volume, may_be_mounted
from jupyter_xdisplay.errors import UsageError

MOST_LINKS = 40
"""As Linux follows (path_resolution(7))."""

ENGINES = (".docker/run", ".docker/desktop")
"""Where in a home Docker Desktop and others have sockets, whichever engine is used."""

ELSEWHERE = (
    "This kernel's container does not see the notebook's folder: its engine is on another machine, "
    "or Jupyter is in a container itself. What it needs goes into its image, or into a folder of "
    "that machine: jupyter xdisplay kernel add … --volume SOURCE:TARGET"
)
UNSEEN = (
    "This kernel's container does not see the notebook's folder: with {folder} come sockets of "
    "this machine, by which it could be left. Start Jupyter in a folder of its own: mkdir -p "
    "~/notebooks && jupyter lab ~/notebooks"
)


@dataclass(frozen=True)
class Secrets:
    """What no kernel sees: folders, at their real places.

    Parameters
    ----------
    root
        That of our private directories; nothing in it is mounted but by us.
    sockets
        Folders with sockets of container engines and of this user's session.
    """

    root: Path
    sockets: Sequence[Path] = ()

    def forbid(self, folder: Path) -> bool:
        """Tell whether a folder, at its real place, is not to be mounted at all."""
        return (
            not may_be_mounted(str(folder))
            or self.root in (folder, *folder.parents)
            or folder in self.sockets
        )

    def below(self, folder: Path) -> list[Path]:
        """Return what of it is below a folder, relative to that."""
        return [
            secret.relative_to(folder)
            for secret in (self.root, *self.sockets)
            if folder in secret.parents
        ]


@dataclass(frozen=True)
class Mounts:
    """What is mounted, and the folders in it that are covered, both as the container sees them."""

    volumes: Sequence[Volume] = ()
    hidden: Sequence[str] = ()

    def with_our(self, directory: Path) -> Mounts:
        """Add a private directory of ours, to read."""
        ours = Volume(str(directory), str(directory), read_only=True)
        return Mounts([*self.volumes, ours], self.hidden)


def find_secrets(root: Path, variables: Mapping[str, str]) -> Secrets:
    """Return what kernels must not see of this machine, as far as it is there.

    Raises
    ------
    EngineUnreachable
        When the engine's context cannot be read.
    """
    socket = find_address(variables).socket
    folders = [socket.parent] if socket is not None else []
    if session := variables.get("XDG_RUNTIME_DIR"):
        folders.append(Path(session))
    if home := variables.get("HOME"):  # a user in a container may have none
        folders += [Path(home, name) for name in ENGINES]
    real = {Path(os.path.realpath(folder)) for folder in folders if folder.is_dir()}
    return Secrets(Path(os.path.realpath(root)), sorted(real))


def served_folder(cwd: Path, served: Path | None, secrets: Secrets) -> Volume | None:
    """Return what a kernel sees of the notebooks' folders: all that Jupyter serves, else its own.

    None where both hold sockets of this machine: /tmp, /run, / itself.
    """
    real_cwd = Path(os.path.realpath(cwd))
    for folder in (served, cwd):
        if folder is None or folder not in (cwd, *cwd.parents):
            continue
        real = Path(os.path.realpath(folder))
        if real in (real_cwd, *real_cwd.parents) and not secrets.forbid(real):
            return Volume(str(real), str(folder), read_only=False)
    return None


def resolve(volumes: Sequence[Volume], secrets: Secrets, add: str) -> Mounts:
    """Follow the names of folders, and return what is mounted.

    Parameters
    ----------
    volumes
        What is wanted; folders that are not there are for the engine to tell.
    secrets
        What must not be seen.
    add
        The command that makes the kernel anew, without its volumes.

    Raises
    ------
    UsageError
        When one leads to what is never mounted, or by a link that the kernel could replace.
    """
    writable = [os.path.realpath(volume.source) for volume in volumes if not volume.read_only]
    found: list[Volume] = []
    hidden: list[str] = []
    for volume in volumes:
        real, links = follow(volume.source)
        fix = f"name a folder itself, and no more than is needed: {add} --volume FOLDER:TARGET"
        if secrets.forbid(real) or any(link.is_relative_to("/proc") for link in links):
            raise UsageError(
                f"{volume.source} is not mounted into kernels: it is {real}, or leads there, and "
                "who reaches the sockets in it can become root or look at every window.",
                fix=fix,
            )
        for link in links:
            if any(link.is_relative_to(folder) for folder in writable):
                raise UsageError(
                    f"{volume.source} is not mounted: {link} is a symbolic link, and kernels can "
                    "write where it is, and let it lead anywhere.",
                    fix=fix.replace("FOLDER:TARGET", f"{real}:{volume.target}"),
                )
        found.append(volume._replace(source=str(real)))
        hidden += [os.path.join(volume.target, part) for part in secrets.below(real)]  # noqa: PTH118
    return Mounts(found, sorted(set(hidden) - {volume.target for volume in found}))


def follow(path: str) -> tuple[Path, list[Path]]:
    """Return what a path leads to, and the symbolic links on the way, at their real places.

    Raises
    ------
    OSError
        When they are too many.
    """
    ahead = list(reversed(Path(path).parts[1:]))
    here = Path("/")
    links: list[Path] = []
    while ahead:
        name = ahead.pop()
        here = here.parent if name == ".." else here / name
        if not here.is_symlink():
            continue
        links.append(here)
        if len(links) > MOST_LINKS:
            raise OSError(errno.ELOOP, f"{path}: {os.strerror(errno.ELOOP)}")
        target = here.readlink()
        ahead += reversed([part for part in target.parts if part != "/"])
        here = Path("/") if target.is_absolute() else here.parent
    return here, links
