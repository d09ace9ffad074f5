"""What a kernel's container is asked to be, and what it means when an engine refuses. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_xdisplay.containers.engine import disk_full, is_full
from jupyter_xdisplay.containers.kernel_recipe import command_for
from jupyter_xdisplay.containers.nvidia import configure
from jupyter_xdisplay.containers.options import CDI, KernelOptions
from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.runtime.kernel_mounts import Mounts

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True)
class KernelRun:
    """What runs in the container.

    Parameters
    ----------
    image_id
        The image.
    argv
        The command.
    env
        Its variables.
    cwd
        Its working directory; None: the image's.
    mounts
        What it sees of this machine.
    """

    image_id: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str | None
    mounts: Mounts


def device_requests(gpus: str | None) -> list[docker.types.DeviceRequest]:
    """Return what the engine is asked for (Docker Engine API, DeviceRequest)."""
    from docker.types import DeviceRequest

    if gpus is None:
        return []
    if gpus.startswith(CDI):
        return [DeviceRequest(driver="cdi", device_ids=[gpus.removeprefix(CDI)])]
    capabilities = [["gpu"]]
    if gpus == "all":
        return [DeviceRequest(count=-1, capabilities=capabilities)]
    return [DeviceRequest(device_ids=gpus.split(","), capabilities=capabilities)]


def explain(text: str, options: KernelOptions, program: str = "docker") -> StartFailed:
    """Return what it means that the engine did not start a kernel's container.

    Parameters
    ----------
    text
        What it said: Docker and podman have words of their own, and say "no such file" of folders,
        devices and programs.
    options
        What the container was to have.
    program
        The engine's own command.
    """
    lower = text.lower()
    missing = "no such file" in lower
    device = next((path for path in options.devices if path in text), None)
    if options.gpus and any(word in lower for word in ("device driver", "nvidia", "cdi")):
        install = "install nvidia-container-toolkit on the engine's machine, then: "
        fix = install + configure(podman=program == "podman") + "   (jupyter xdisplay doctor)"
    elif is_full(text):
        fix = disk_full(program)
    elif device is not None and (missing or "not a device" in lower):
        fix = f"{command_for(options)} --device …   (there is no {device} on the engine's machine)"
    elif (
        "bind source path does not exist" in lower
        or "invalid mount" in lower
        or (missing and ("statfs" in lower or any(v.source in text for v in options.volumes)))
    ):
        fix = f"make that folder on the engine's machine, or: {command_for(options)} --volume …"
    elif "exec format error" in lower:
        fix = f"use an image of this machine's architecture: {program} image inspect shows it"
    elif "executable file" in lower or missing:
        fix = f"{command_for(options)}   (it makes the image anew)"
    else:
        fix = "jupyter xdisplay doctor"
    return StartFailed(f"The kernel's container could not be started: {text.strip()}", fix=fix)
