"""What all our containers have in common: whose they are, and what they may not."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.paths import runtime_root

DIRECTORY_LABEL = "org.jupyter.xdisplay.directory"
"""The private directory of a pod's containers: whoever holds its lock is alive."""

OWNER_LABEL = "org.jupyter.xdisplay.owner"
"""Whose directory that is: an engine may serve other users, machines, and containers."""

X_SOCKETS = "/tmp/.X11-unix"
NO_RIGHTS: dict[str, Any] = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
"""What no container of ours has."""


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


def name_in_use(name: str) -> StartFailed:
    """Return the error for a container that is called as ours would be."""
    return StartFailed(
        f"Another container is called {name}.", fix=f"docker rename {name} NAME, or remove it"
    )
