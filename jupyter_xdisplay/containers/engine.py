"""The connection to a container engine: Docker's, or another one that speaks its API (podman)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jupyter_xdisplay.errors import EngineUnreachable, ProgramMissing

if TYPE_CHECKING:
    import docker

TIMEOUT_S = 60
INSTALL = 'pip install "jupyter-xdisplay[containers]"'
DEFAULT_SOCKET = "/var/run/docker.sock"


def connect(timeout_s: int = TIMEOUT_S) -> docker.DockerClient:
    """Return a client of the engine that `DOCKER_HOST` names, else of the one of this machine.

    Raises
    ------
    ProgramMissing
        When the Docker SDK for Python is not installed.
    EngineUnreachable
        When no engine answers there, or this user may not use it.
    """
    try:
        import docker
    except ImportError as error:
        raise ProgramMissing("The Docker SDK for Python is not installed.", fix=INSTALL) from error
    client: docker.DockerClient | None = None
    try:
        client = docker.DockerClient.from_env(timeout=timeout_s)
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        if client is not None:
            client.close()
        raise explain(error) from error
    return client


def may_be_there() -> bool:
    """Tell whether it makes sense to ask for an engine: one is named, or has its socket here."""
    return "DOCKER_HOST" in os.environ or Path(DEFAULT_SOCKET).exists()


@contextmanager
def reachable() -> Iterator[None]:
    """Turn a lost connection to the engine into what it means.

    Raises
    ------
    EngineUnreachable
        When the engine does not answer; what it answers passes as it is.
    """
    import requests

    try:
        yield
    except (requests.ConnectionError, requests.Timeout) as error:
        raise explain(error) from error


def explain(error: Exception) -> EngineUnreachable:
    """Return what a failure to reach the engine means, and what mends it."""
    where = os.environ.get("DOCKER_HOST", f"unix://{DEFAULT_SOCKET}")
    parts = urlsplit(where)
    if parts.scheme == "unix":
        path = Path(parts.path)
        with suppress(OSError):
            if not path.exists():
                return EngineUnreachable(
                    f"No container engine runs here: there is no socket {path}.",
                    fix="sudo systemctl start docker   (podman: systemctl --user start "
                    "podman.socket, and export DOCKER_HOST=unix://$XDG_RUNTIME_DIR/podman/"
                    "podman.sock)",
                )
        if not os.access(path, os.R_OK | os.W_OK):
            return EngineUnreachable(
                f"This user may not use the container engine: {path} is not open to it.",
                fix="sudo usermod -aG docker $USER, then log in again. Whoever is in that group "
                "can become root; a rootless engine needs no group: "
                "https://docs.docker.com/engine/security/rootless",
            )
    return EngineUnreachable(
        f"The container engine at {where} does not answer.",
        fix="docker version   (it says more; is its service running?)",
        log=[line for line in str(error).splitlines() if line.strip()][-3:],
    )
