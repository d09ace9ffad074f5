"""What a kernel's container is asked to be, and what it means when an engine refuses. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_xdisplay.containers.kernel_recipe import command_for
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


def explain(text: str, options: KernelOptions) -> StartFailed:
    """Return what it means that the engine did not start a kernel's container."""
    message = f"The kernel's container could not be started: {text.strip()}"
    lower = text.lower()
    if options.gpus and ("device driver" in lower or "nvidia" in lower or "cdi" in lower):
        fix = (
            "install nvidia-container-toolkit on the engine's machine, then: sudo nvidia-ctk "
            "runtime configure --runtime=docker && sudo systemctl restart docker   "
            "(jupyter xdisplay doctor says more); podman: sudo nvidia-ctk cdi generate "
            "--output=/etc/cdi/nvidia.yaml"
        )
    elif "no space left" in lower:
        fix = "docker system df; docker image prune   (the engine's disk is full)"
    elif "bind source path does not exist" in lower or "invalid mount" in lower:
        fix = f"make that folder on the engine's machine, or: {command_for(options)} --volume …"
    elif "executable file not found" in lower or "no such file" in lower:
        fix = f"{command_for(options)}   (it makes the image anew)"
    elif "exec format error" in lower:
        fix = "use an image of this machine's architecture: docker image inspect shows it"
    else:
        fix = "jupyter xdisplay doctor"
    return StartFailed(message, fix=fix)
