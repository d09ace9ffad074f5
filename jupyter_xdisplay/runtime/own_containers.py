"""What all our containers have in common: whose they are, and what they may not."""

from __future__ import annotations

import logging
import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.paths import runtime_root

if TYPE_CHECKING:
    from docker.models.containers import Container

log = logging.getLogger(__name__)

DIRECTORY_LABEL = "org.jupyter.xdisplay.directory"
"""The private directory of a pod's containers: whoever holds its lock is alive."""

OWNER_LABEL = "org.jupyter.xdisplay.owner"
"""Whose directory that is: an engine may serve other users, machines, and containers."""

STOP_S = 2
IN_PROGRESS = 409
"""HTTP's Conflict: of a removal (Docker Engine API, ContainerDelete)."""

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


def remove_container(container: Container) -> bool:
    """End a container in peace, else by force, and remove it; one that is gone is fine.

    Returns
    -------
        Whether it is gone. One that cannot be removed is told in the log, and is left to the next
        `DockerRuntime.reap`: what else there is to clean up must not stay for it.
    """
    import docker
    import requests

    with suppress(docker.errors.APIError, requests.RequestException):
        container.stop(timeout=STOP_S)
    try:
        container.remove(force=True, v=True)
    except docker.errors.NotFound:
        return True
    except (docker.errors.APIError, requests.RequestException) as error:
        if getattr(error, "status_code", None) == IN_PROGRESS:  # the engine removes it already
            return True
        log.warning(
            "The container %s could not be removed: %s. To mend it: docker rm --force %s",
            container.name,
            getattr(error, "explanation", None) or error,
            container.name,
        )
        return False
    return True


def name_in_use(name: str) -> StartFailed:
    """Return the error for a container that is called as ours would be."""
    return StartFailed(
        f"Another container is called {name}.", fix=f"docker rename {name} NAME, or remove it"
    )
