"""Makes a container with CDI devices by podman's own API: by Docker's it leaves them out.

Docker's requests are translated, as far as we make any (libpod API, POST containers/create, whose
body is SpecGenerator; Container Device Interface, github.com/cncf-tags/container-device-interface).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.containers.options import CDI
from jupyter_xdisplay.runtime.own_containers import UNCONFINED

if TYPE_CHECKING:
    import docker

CREATE = "/v4.0.0/libpod/containers/create"
NVIDIA = "nvidia.com/gpu="
CPU_PERIOD_US = 100_000
NANO = 1_000_000_000
LOG_BYTES = 1 << 20
VOLUME = "volume"


def create(
    client: docker.DockerClient, name: str, config: Mapping[str, Any], devices: Sequence[str]
) -> str:
    """Make a container and return its id.

    Parameters
    ----------
    client
        Podman.
    name
        The container's name.
    config
        What Docker's API is asked for (ContainerCreate).
    devices
        Names of CDI devices.

    Raises
    ------
    docker.errors.APIError
        When podman refuses.
    requests.RequestException
        When it does not answer.
    """
    import docker
    import requests

    url = f"{client.api.base_url}{CREATE}"
    body = {"name": name, **specification(config, devices)}
    answer = client.api.post(url, json=body, timeout=client.api.timeout)
    try:
        answer.raise_for_status()
    except requests.HTTPError as error:
        docker.errors.create_api_error_from_http_exception(error)
    return str(answer.json()["Id"])


def cdi_devices(gpus: str) -> list[str]:
    """Return the names of CDI devices that `KernelOptions.gpus` means."""
    if gpus.startswith(CDI):
        return [gpus.removeprefix(CDI)]
    return [f"{NVIDIA}{part}" for part in gpus.split(",")]


def specification(config: Mapping[str, Any], devices: Sequence[str]) -> dict[str, Any]:
    """Translate what Docker's API is asked for into podman's SpecGenerator. Pure."""
    host = config["HostConfig"]
    return {
        "image": config["Image"],
        "entrypoint": config["Entrypoint"],
        "command": config["Cmd"],
        "user": config["User"],
        "work_dir": config.get("WorkingDir") or "",
        "env": dict(item.split("=", 1) for item in config["Env"]),
        "labels": config["Labels"],
        "netns": _namespace(host["NetworkMode"]),
        "ipcns": _namespace(host["IpcMode"]),
        "pidns": _namespace(host["PidMode"]),
        "mounts": [_mount(mount) for mount in host["Mounts"] if mount["Type"] != VOLUME],
        "volumes": [_volume(mount) for mount in host["Mounts"] if mount["Type"] == VOLUME],
        "devices": [{"path": path} for path in [*devices, *_paths(host)]],
        "groups": host.get("GroupAdd") or [],
        "cap_drop": host["CapDrop"],
        "no_new_privileges": "no-new-privileges" in host["SecurityOpt"],
        "selinux_opts": ["disable"] if UNCONFINED in host["SecurityOpt"] else [],
        "resource_limits": _limits(host),
        "log_configuration": {"driver": "k8s-file", "size": LOG_BYTES},
    }


def _namespace(mode: str) -> dict[str, str]:
    kind, _, container = mode.partition(":")
    return {"nsmode": kind, "value": container}


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    found = {"destination": mount["Target"], "type": mount["Type"]}
    if mount["Type"] == "bind":
        access = "ro" if mount.get("ReadOnly") else "rw"
        found |= {"source": mount["Source"], "options": ["rbind", access]}
    return found


def _volume(mount: Mapping[str, Any]) -> dict[str, Any]:
    access = "ro" if mount.get("ReadOnly") else "rw"
    return {"Name": mount["Source"], "Dest": mount["Target"], "Options": [access]}


def _paths(host: Mapping[str, Any]) -> list[str]:
    return [device["PathOnHost"] for device in host.get("Devices") or []]


def _limits(host: Mapping[str, Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if host.get("Memory"):
        limits["memory"] = {"limit": host["Memory"]}
    if host.get("NanoCpus"):
        quota = host["NanoCpus"] * CPU_PERIOD_US // NANO
        limits["cpu"] = {"quota": quota, "period": CPU_PERIOD_US}
    return limits
