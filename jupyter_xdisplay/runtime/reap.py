"""What killed launchers left on an engine: found by label, removed."""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay.containers.engine import reachable
from jupyter_xdisplay.paths import remove_directory
from jupyter_xdisplay.runtime.own_containers import (
    COOKIE_LABEL,
    DIRECTORY_LABEL,
    OWNER_LABEL,
    X_SOCKETS,
    is_left,
    is_old,
    owner,
    read_time,
    remove_container,
    was_here,
)

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container
    from docker.models.volumes import Volume

log = logging.getLogger(__name__)
Filters = dict[str, "str | list[str] | bool"]


def reap_containers(engine: docker.DockerClient, abandoned: Collection[str]) -> int:
    """Remove containers and volumes of ours that nobody needs any more.

    Parameters
    ----------
    engine
        Where they may be.
    abandoned
        Our directories whose holders are gone; those of removed containers are removed too.

    Returns
    -------
        How many containers are gone.

    Raises
    ------
    EngineUnreachable
        When the engine does not answer.
    """
    ours: Filters = {"label": [DIRECTORY_LABEL, f"{OWNER_LABEL}={owner()}"]}
    with reachable():
        listed = engine.containers.list(all=True, filters=ours, ignore_removed=True)
        now = _time_of(engine)
    reaped = 0
    for container in listed:
        if not is_left(container, abandoned, now):
            continue
        log.info("Removing a container that was left: %s", container.name)
        if remove_container(container):
            reaped += 1
            _clean_joined(engine, container)
            with suppress(OSError):  # nobody waits for what was left
                remove_directory(Path(container.labels[DIRECTORY_LABEL]))
    _reap_volumes(engine, ours, abandoned, now)
    return reaped


def _time_of(engine: docker.DockerClient) -> datetime:
    """Return the time on the engine's machine; ours where it does not tell."""
    return read_time(str(engine.info().get("SystemTime"))) or datetime.now(timezone.utc)


CLEAN = f"""
rm -rf "$0"
for link in {X_SOCKETS}/X*; do
    if [ -L "$link" ] && [ ! -S "$link" ]; then rm -f "$link"; fi
done
rmdir {X_SOCKETS}
"""


def _clean_joined(engine: docker.DockerClient, container: Container) -> None:
    """Remove what its display gave to the container that it had joined: cookie, and a link."""
    import docker
    import requests

    cookie = container.labels.get(COOKIE_LABEL)
    if cookie is None:
        return
    with suppress(docker.errors.APIError, requests.RequestException):
        joined = container.attrs["HostConfig"]["NetworkMode"].partition(":")[2]
        user = container.attrs["Config"]["User"]
        engine.containers.get(joined).exec_run(["sh", "-c", CLEAN, cookie], user=user)


def _reap_volumes(
    engine: docker.DockerClient, ours: Filters, abandoned: Collection[str], now: datetime
) -> None:
    import docker
    import requests

    nobody_waits = suppress(docker.errors.APIError, requests.RequestException)
    listed: list[Volume] = []
    with nobody_waits:  # an engine may refuse them, where none are needed
        listed = engine.volumes.list(filters=ours)
    for volume in listed:
        labels = volume.attrs["Labels"] or {}
        directory = labels.get(DIRECTORY_LABEL, "")
        unused = was_here(labels) or is_old(volume.attrs.get("CreatedAt", ""), now)
        if directory in abandoned or (unused and not Path(directory).exists()):
            with nobody_waits:  # as the engine does, where a container uses it
                volume.remove()
