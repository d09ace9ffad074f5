"""What all our containers have in common: whose they are, and what they may not."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.paths import runtime_root

if TYPE_CHECKING:
    from docker.models.containers import Container

    from jupyter_xdisplay.containers.engine_info import EngineInfo

log = logging.getLogger(__name__)

DIRECTORY_LABEL = "org.jupyter.xdisplay.directory"
"""The private directory of a pod's containers: whoever holds its lock is alive."""

OWNER_LABEL = "org.jupyter.xdisplay.owner"
"""Whose directory that is: an engine may serve other users, machines, and containers."""

MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
ENDED = {"exited", "dead", "stopped"}
"""As Docker and podman call it."""

GRACE = timedelta(seconds=60)
"""After this whoever lives has removed what ended, or started what it made."""

_FRACTION = re.compile(r"\.\d+")
"""Of a second: engines give more digits than Python reads."""

STOP_S = 2
IN_PROGRESS = 409
"""HTTP's Conflict: of a removal (Docker Engine API, ContainerDelete)."""

ROOT_LABEL = "org.jupyter.xdisplay.root"
"""In which root that directory was made: another one may have the same path."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

COOKIE_LABEL = "org.jupyter.xdisplay.cookie"
"""Where a pod's display has put its cookie, in the container that it has joined."""

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
    return {DIRECTORY_LABEL: str(directory), OWNER_LABEL: owner(), ROOT_LABEL: _root()}


def owner() -> str:
    """Return what tells the root of our private directories from all others.

    It survives a reboot, another host name, and the container that we may be in; directories and
    their inodes do not. Where a machine has no id, or the same one as others that share its engine
    (containers of one image), it does not tell them apart: see `is_left`.
    """
    return f"{os.getuid()}:{runtime_root()}@{_machine()}"


def _root() -> str:
    """Return what tells the root that we have now from one that was, or is, elsewhere."""
    boot = ""
    with suppress(OSError):
        boot = BOOT_ID.read_text().strip()
    info = runtime_root().stat()
    return f"{boot}:{info.st_dev}:{info.st_ino}"


def _machine() -> str:
    """Return what tells this machine from others; its id itself is nobody's (machine-id(5))."""
    for path in MACHINE_IDS:
        with suppress(OSError):
            if number := path.read_text().strip():
                return hashlib.sha256(f"jupyter-xdisplay:{number}".encode()).hexdigest()[:16]
    return "unknown"


def is_left(container: Container, abandoned: Collection[str], now: datetime) -> bool:
    """Tell whether nobody needs a container of ours any more.

    Parameters
    ----------
    container
        One with our `owner`.
    abandoned
        The directories whose holders are gone.
    now
        The time of the engine's machine.
    """
    directory = container.labels[DIRECTORY_LABEL]
    if directory in abandoned:
        return True
    if Path(directory).exists():
        return False
    if was_here(container.labels):
        return True  # its directory was reaped before
    # Lost with a reboot or a container of Jupyter's, else that of another one whose files we do
    # not see. A pod ends with its holder and its kernel with it: what runs is in use.
    state = container.attrs["State"]
    if state["Status"] in ENDED:
        return is_old(state["FinishedAt"], now)
    return state["Status"] == "created" and is_old(container.attrs["Created"], now)


def was_here(labels: Mapping[str, str]) -> bool:
    """Tell whether a directory that is gone was in the root that we have."""
    return labels.get(ROOT_LABEL) == _root()


def is_old(when: str, now: datetime) -> bool:
    """Tell whether a time that an engine told is so long ago that its owner has seen to it."""
    then = read_time(when)
    return then is not None and now - then > GRACE


def read_time(text: str) -> datetime | None:
    """Read a time as engines tell it (RFC 3339); None where it is none."""
    try:
        then = datetime.fromisoformat(_FRACTION.sub("", text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return then if then.tzinfo is not None else None


def cookie_folder(display_id: str) -> str:
    """Return where a container that is joined has the cookie of a display."""
    return f"/tmp/.xdisplay-{display_id}"


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


def name_in_use(name: str, program: str) -> StartFailed:
    """Return the error for a container that is called as ours would be.

    `program` is the engine's own command.
    """
    return StartFailed(
        f"Another container is called {name}.", fix=f"{program} rename {name} NAME, or remove it"
    )
