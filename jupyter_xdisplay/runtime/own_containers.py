"""What all our containers have in common: whose they are, and what they may not."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.paths import runtime_root

if TYPE_CHECKING:
    from jupyter_xdisplay.containers.engine_info import EngineInfo

DIRECTORY_LABEL = "org.jupyter.xdisplay.directory"
"""The private directory of a pod's containers: whoever holds its lock is alive."""

OWNER_LABEL = "org.jupyter.xdisplay.owner"
"""Whose directory that is: an engine may serve other users, machines, and containers."""

X_SOCKETS = "/tmp/.X11-unix"
UNCONFINED = "label=disable"


def no_rights(info: EngineInfo, *, has_folders: bool) -> dict[str, Any]:
    """Return what no container of ours has: capabilities, and ways to get some.

    Where SELinux confines containers, they may read no folder of this machine. Other labels would
    let them (`:z`), and would change the user's own files for all programs; so those with folders
    are not confined, as podman-run(1) has it for home directories. They have no other right than
    this user's. Whoever joins a container gets that one's label by joining its IPC or PIDs.
    """
    options = ["no-new-privileges"]
    if info.selinux and has_folders:
        options.append(UNCONFINED)
    return {"cap_drop": ["ALL"], "security_opt": options}


def own_labels(directory: Path) -> dict[str, str]:
    """Return the labels by which containers that were left are found."""
    return {DIRECTORY_LABEL: str(directory), OWNER_LABEL: owner()}


def owner() -> str:
    """Return what tells the root of our private directories from all others."""
    info = runtime_root().stat()
    return f"{os.getuid()}@{platform.node()}:{info.st_dev}:{info.st_ino}"


def small_log() -> Any:
    """Return the log settings of our containers: an engine keeps logs without an end."""
    import docker

    return docker.types.LogConfig(type="json-file", config={"max-size": "1m", "max-file": "1"})


def name_in_use(name: str, program: str) -> StartFailed:
    """Return the error for a container that is called as ours would be.

    `program` is the engine's own command.
    """
    return StartFailed(
        f"Another container is called {name}.", fix=f"{program} rename {name} NAME, or remove it"
    )
