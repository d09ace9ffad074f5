"""What a kernel's container is asked to be: a small, checked part of what an engine can do."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from jupyter_xdisplay.errors import UsageError

CDI = "cdi:"
"""What goes before the name of a CDI device in `KernelOptions.gpus`."""

NEVER_MOUNTED = ("/", "/run", "/var", "/var/run", "/tmp", "/tmp/.X11-unix", "/proc", "/sys", "/dev")
"""With them come the sockets of container engines and of the host's X server: the way out."""

NETWORK = "bridge"
NOTHING_BELOW = ("/run/", "/var/run/", "/proc/", "/sys/")

_BYTES = re.compile(r"[1-9][0-9]*[bkmgBKMG]?")
_GPUS = re.compile(r"all|[0-9A-Za-z-]+(,[0-9A-Za-z-]+)*|cdi:[a-z0-9.-]+/[\w-]+=[\w.:-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_IMAGE = re.compile(r"[\w][\w.\-/:@]{0,254}")


class Volume(NamedTuple):
    """A folder of the engine's machine, and where it is in the container."""

    source: str
    target: str
    read_only: bool

    def __str__(self) -> str:
        return f"{self.source}:{self.target}" + (":ro" if self.read_only else "")


@dataclass(frozen=True)
class KernelOptions:
    """What the metadata of a kernel's specification says of its container.

    Fields that have the same name as an option of `docker run` mean the same.

    Parameters
    ----------
    image
        The image that the kernel runs in, made by `jupyter xdisplay kernel add`.
    base
        The image that it was made from; for people.
    gpus
        `all`, indices or UUIDs separated by commas, or `cdi:NAME` for a CDI device (Container
        Device Interface), such as `cdi:nvidia.com/gpu=all`. None: no GPU.
    network
        `bridge`, `host`, `none` or the name of a network that was made.
    volumes
        Folders to mount, beside the one that Jupyter serves: `/data:/data:ro`.
    env
        Variables, beside those of the kernel's specification.
    memory, shm_size
        Bytes, with a unit: `8g`. None: the engine's default (no limit; 64m).
    cpus
        Most processors. None: no limit.
    devices
        Device files: `/dev/video0`.
    group_add
        More groups, by number or by their names in the image.
    """

    image: str
    base: str = ""
    gpus: str | None = None
    network: str = NETWORK
    volumes: tuple[Volume, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    memory: str | None = None
    shm_size: str | None = None
    cpus: float | None = None
    devices: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are not at their defaults as JSON."""
        value = dataclasses.asdict(self)
        value["volumes"] = [str(volume) for volume in self.volumes]
        value["devices"], value["group_add"] = list(self.devices), list(self.group_add)
        value["env"] = dict(self.env)
        if self.network == NETWORK:
            del value["network"]
        return {key: item for key, item in value.items() if item or key == "image"}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> KernelOptions:
        """Read what `to_json` gives.

        Raises
        ------
        UsageError
            On unknown fields, and on values that are not possible.
        """
        known = {found.name for found in dataclasses.fields(cls)}
        if unknown := sorted(set(value) - known):
            raise UsageError(
                f"There is no option {unknown[0]!r} for a kernel's container.",
                fix="use one of: " + ", ".join(sorted(known)),
            )
        return cls(
            image=_matching(value.get("image"), "image", _IMAGE, "jupyter-xdisplay-kernel-NAME"),
            base=_text(value.get("base") or "", "base"),
            gpus=_maybe(value.get("gpus"), "gpus", _GPUS, "all"),
            network=_matching(value.get("network", NETWORK), "network", _NETWORK, NETWORK),
            volumes=tuple(map(parse_volume, _texts(value.get("volumes"), "volumes"))),
            env=_environment(value.get("env")),
            memory=_maybe(value.get("memory"), "memory", _BYTES, "8g"),
            shm_size=_maybe(value.get("shm_size"), "shm_size", _BYTES, "2g"),
            cpus=_processors(value.get("cpus")),
            devices=_texts(value.get("devices"), "devices"),
            group_add=_texts(value.get("group_add"), "group_add"),
        )


def parse_volume(text: str) -> Volume:
    """Read `SOURCE:TARGET` or `SOURCE:TARGET:ro`: two absolute paths.

    Raises
    ------
    UsageError
        When it is not of that form.
    """
    source, _, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    absolute = PurePosixPath(source).is_absolute() and PurePosixPath(target).is_absolute()
    if not absolute or target == "/" or mode not in {"", "ro", "rw"}:
        raise UsageError(
            f"{text!r} is no folder to mount.",
            fix="use two absolute paths: /data:/data, or /data:/data:ro for reading only",
        )
    if not may_be_mounted(source):
        raise UsageError(
            f"{source} is not mounted into kernels: who reaches the sockets in it can become root "
            "or look at every window of this machine.",
            fix="mount the folder that is needed, and no more",
        )
    return Volume(source, target, mode == "ro")


def may_be_mounted(folder: str) -> bool:
    """Tell by its name whether a kernel may see a folder of a machine.

    Where the engine's machine is this one, `runtime.kernel_mounts` looks where it leads.
    """
    path = os.path.normpath("/" + folder.lstrip("/"))  # POSIX lets // stand for something else
    return (
        path not in NEVER_MOUNTED
        and not path.startswith(NOTHING_BELOW)
        and PurePosixPath(path).name not in {"docker.sock", "podman.sock"}
    )


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{value!r} is no value for {name}.", fix="give a text")
    return value


def _matching(value: Any, name: str, pattern: re.Pattern[str], example: str) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise UsageError(f"{value!r} is no value for {name}.", fix=f"such as: {example}")
    return value


def _maybe(value: Any, name: str, pattern: re.Pattern[str], example: str) -> str | None:
    return None if value is None else _matching(value, name, pattern, example)


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{value!r} is no value for {name}.", fix="give a list of texts")
    return tuple(value)


def _environment(value: Any) -> dict[str, str]:
    found = value or {}
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and _VARIABLE.fullmatch(name) and isinstance(item, str)
        for name, item in found.items()
    ):
        raise UsageError(f"{value!r} are no variables.", fix='such as: {"NAME": "value"}')
    return dict(found)


def _processors(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 4096:
        raise UsageError(f"{value!r} is no number of processors.", fix="such as: 2, or 0.5")
    return float(value)
