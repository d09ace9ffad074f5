"""Container engines: reached, safe, and able to hold displays and kernels.

Containers are optional: whoever has neither an engine nor the Docker SDK is told so in one line.
What an engine says of itself is judged by `engine_facts`.
"""

from __future__ import annotations

import grp
import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_xdisplay.containers import engine, images
from jupyter_xdisplay.containers.address import Address, find_address, usable_sockets
from jupyter_xdisplay.containers.engine_info import system_info
from jupyter_xdisplay.containers.kernel_specs import PROVISIONER
from jupyter_xdisplay.doctor import engine_facts
from jupyter_xdisplay.doctor.check import Check, guarded, note, ok, one_line, problem
from jupyter_xdisplay.doctor.container_gpus import gpu_checks
from jupyter_xdisplay.doctor.container_trial import NAME, configured_runtime, trial_check
from jupyter_xdisplay.errors import ImageMissing, XDisplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import docker

    from jupyter_xdisplay.runtime.docker import DockerRuntime

CONNECT_S = 5
ANSWER_S = 20
"""Making a container takes an engine that is busy a few seconds."""

SOCKET_GROUP = "docker"
UNNAMED = Address("", "", named=False)


class Socket(NamedTuple):
    """A socket file, and who can come as far as to it: `reached` is whether everybody can."""

    path: str
    mode: int
    owner: int
    group: str
    reached: bool


@dataclass(frozen=True)
class Place:
    """Where an engine is looked for, and who wants one.

    Parameters
    ----------
    address
        Where, and why there.
    sdk
        Whether the Docker SDK for Python is installed.
    socket
        The socket file that is used, if it is there.
    others
        Socket files of other engines that this user may use; they count where none is named.
    kernels
        Kernels that run in containers, by their specifications.
    """

    address: Address = UNNAMED
    sdk: bool = True
    socket: Socket | None = None
    others: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()

    @property
    def unused(self) -> bool:
        """Whether nothing here has to do with containers."""
        found = (self.address.named, self.sdk, self.socket, self.others, self.kernels)
        return not any(found)


def container_checks() -> Iterator[Check]:
    """Yield what is found of the engine, the sidecar's image and a container made of it."""
    places: list[Place] = []

    def look() -> list[Check]:
        places.append(look_around(os.environ))
        return address_checks(places[0])

    yield from guarded("containers", look)
    if not places:
        return
    place = places[0]
    if place.unused or not place.sdk:
        yield without_sdk(place)
        return
    clients: list[docker.DockerClient] = []
    yield from guarded("container engine", lambda: _connected(place, clients))
    if not clients:
        return
    client = clients[0]
    try:
        if not place.address.is_remote:  # else the GPUs of this machine say nothing
            yield from guarded("container GPUs", lambda: _gpus(client))
        runtimes: list[DockerRuntime] = []

        def check_image() -> Check:
            runtimes.append(configured_runtime())
            return image_check(client, place, runtimes[0].image)

        image = guarded("sidecar image", check_image)
        yield from image
        if all(check.status == "ok" for check in image):
            yield from guarded(NAME, lambda: trial_check(runtimes[0]), timeout_s=90.0)
    finally:
        client.close()


def look_around(variables: Mapping[str, str]) -> Place:
    """Gather where an engine is looked for, and whether anything wants one.

    Raises
    ------
    EngineUnreachable
        When a Docker context is named that cannot be read.
    """
    address = find_address(variables)
    used = str(address.socket or "")
    return Place(
        address=address,
        sdk=has_sdk(),
        socket=read_socket(used) if used else None,
        others=tuple(other for other in usable_sockets(variables) if other != used),
        kernels=kernels_in_containers(),
    )


def has_sdk() -> bool:
    """Whether the Docker SDK is installed; a folder called docker beside a notebook is not it."""
    found = find_spec("docker")
    return found is not None and found.origin is not None


def read_socket(path: str) -> Socket | None:
    """Return who may use a socket file; None where there is none."""
    try:
        resolved = Path(path).resolve()
        found = resolved.stat()
        reached = all(folder.stat().st_mode & stat.S_IXOTH for folder in resolved.parents)
    except OSError:
        return None
    group = str(found.st_gid)
    with suppress(KeyError):
        group = grp.getgrgid(found.st_gid).gr_name
    return Socket(path, stat.S_IMODE(found.st_mode), found.st_uid, group, reached)


def kernels_in_containers() -> tuple[str, ...]:
    """Return the names of the kernels whose specification asks for a container.

    The files are read here: Jupyter passes over kernels whose provisioner it cannot load.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    manager: Any = KernelSpecManager()
    folders: dict[str, str] = manager.find_kernel_specs()
    return tuple(sorted(name for name, folder in folders.items() if _in_container(Path(folder))))


def without_sdk(place: Place) -> Check:
    """Return the finding where the Docker SDK is not installed: no containers are wanted, mostly.

    DOCKER_HOST alone does not say that this package is to use that engine.
    """
    name = "containers"
    if place.kernels:
        detail = f"kernels want them ({', '.join(place.kernels)}), the Docker SDK is not installed"
        return problem(name, detail, engine.INSTALL)
    if place.unused:
        return ok(name, "none are set up, and none are needed: displays are of this machine")
    detail = "an engine is here; displays and kernels in containers need the Docker SDK for Python"
    return note(name, detail, engine.INSTALL)


def address_checks(place: Place) -> list[Check]:
    """Return who can command the engine, which makes them root (or its user, where rootless)."""
    name = "engine socket"
    if place.socket is not None:
        return [judge_socket(place.socket)]
    if place.address.url.startswith(("tcp:", "http:")) and place.address.tls is None:
        detail = f"{place.address} has no TLS: whoever reaches that port can become root there"
        fix = (
            "let the engine listen on its Unix socket alone (no tcp:// in 'hosts' of "
            "/etc/docker/daemon.json nor in dockerd's -H), or protect the port: "
            "https://docs.docker.com/engine/security/protect-access"
        )
        return [problem(name, detail, fix)]
    return []


def judge_socket(found: Socket) -> Check:
    """Return the finding from a socket's mode: it must not be open to everybody."""
    name, path = "engine socket", found.path
    if not found.mode & stat.S_IWOTH or not found.reached:
        return ok(name, f"{path} has mode {found.mode:o}, group {found.group}")
    becomes = "root" if found.owner == 0 else "its user"
    detail = f"{path} has mode {found.mode:o}: everybody on this machine can become {becomes}"
    if found.owner != 0:
        return problem(name, detail, f"chmod 600 {path}")
    fix = (
        f"sudo chgrp {SOCKET_GROUP} {path} && sudo chmod 660 {path}   (to last: SocketMode=0660 "
        "in docker.socket, and no chmod in start scripts)"
    )
    return problem(name, detail, fix)


def unusable(place: Place, error: XDisplayError) -> Check:
    """Return the finding where no engine answers: a problem only where one is asked for."""
    finding = problem if place.address.named or place.kernels else note
    if place.others and place.address.named:
        detail = f"{one_line(error)} Another one of this user is at {place.others[0]}."
        fix = f"{error.fix}; or export DOCKER_HOST=unix://{place.others[0]} before Jupyter starts"
        return finding("container engine", detail, fix)
    return finding("container engine", one_line(error), error.fix)


def image_check(client: docker.DockerClient, place: Place, tag: str) -> Check:
    """Return whether the sidecar's image is there and current."""
    name = "sidecar image"
    try:
        image = images.find_sidecar(client, tag)
    except ImageMissing as error:
        # One that was built by another version is there because somebody wanted it.
        wanted = bool(place.kernels) or _has_image(client, tag)
        detail = f"{error.message} Displays in containers need it."
        return (problem if wanted else note)(name, detail, error.fix)
    return ok(name, f"{tag} is current ({image.attrs['Size'] / 1e6:.0f} MB)")


def _connected(place: Place, clients: list[docker.DockerClient]) -> list[Check]:
    """Connect, for the checks that follow, and judge what the engine says of itself."""
    try:
        client = engine.connect(timeout_s=CONNECT_S)
    except XDisplayError as error:
        return [unusable(place, error)]
    clients.append(client)
    client.api.timeout = ANSWER_S
    version: dict[str, Any] = client.version()
    info = system_info(client, version)
    judges: list[Callable[[], list[Check]]] = [
        lambda: [engine_facts.engine_check(info, version, place.address)],
        lambda: engine_facts.open_port_checks(info, place.address.url),
        lambda: engine_facts.limit_checks(info, configured_runtime().cpus),
        lambda: engine_facts.user_checks(info),
        lambda: engine_facts.proxy_checks(info, os.environ),
        lambda: engine_facts.certificate_checks(os.environ),
    ]
    return [check for judge in judges for check in judge()]


def _gpus(client: docker.DockerClient) -> list[Check]:
    version: dict[str, Any] = client.version()
    return gpu_checks(system_info(client, version), version)


def _in_container(kernel: Path) -> bool:
    try:
        value = json.loads((kernel / "kernel.json").read_bytes())
        provisioner = value["metadata"]["kernel_provisioner"]["provisioner_name"]
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return bool(provisioner == PROVISIONER)


def _has_image(client: docker.DockerClient, tag: str) -> bool:
    return bool(client.images.list(name=tag))
