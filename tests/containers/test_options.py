"""What may be asked of a kernel's container: what is read is what was written, else it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_xdisplay.containers.options import KernelOptions, Volume
from jupyter_xdisplay.errors import UsageError


def test_what_is_written_is_read_again() -> None:
    """All fields cross JSON; those at their defaults are not written."""
    options = KernelOptions(
        image="jupyter-xdisplay-kernel-tf:1",
        base="tensorflow/tensorflow:2.17.0-gpu",
        gpus="cdi:nvidia.com/gpu=all",
        network="mine",
        volumes=(Volume("/data", "/data", read_only=True), Volume("/a", "/b", read_only=False)),
        env={"TF_CPP_MIN_LOG_LEVEL": "1"},
        memory="8g",
        shm_size="512m",
        cpus=1.5,
        devices=("/dev/video0",),
        group_add=("video",),
    )
    assert KernelOptions.from_json(json.loads(json.dumps(options.to_json()))) == options
    plain = KernelOptions("debian:bookworm")
    assert plain.to_json() == {"image": "debian:bookworm"}
    assert KernelOptions.from_json(plain.to_json()) == plain


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image", None),
        ("image", "--privileged"),
        ("image", ""),
        ("gpus", "all gpus"),
        ("gpus", True),
        ("network", "container:abc"),
        ("network", ""),
        ("volumes", "/data:/data"),
        ("volumes", ["data:/data"]),
        ("volumes", ["/data"]),
        ("volumes", ["/data:/"]),
        ("volumes", ["/data:/data:rx"]),
        ("volumes", [1]),
        ("volumes", ["/var/run/docker.sock:/d"]),
        ("volumes", ["/tmp/.X11-unix/:/tmp/.X11-unix"]),
        ("volumes", ["/:/host:ro"]),
        ("volumes", ["//:/host:ro"]),
        ("volumes", ["//run:/host"]),
        ("volumes", ["/home/../run/user/1000:/host"]),
        ("volumes", ["/proc/1/root:/host"]),
        ("volumes", ["/sys/fs/cgroup:/host"]),
        ("env", {"1A": "b"}),
        ("env", {"A": 1}),
        ("env", ["A=b"]),
        ("memory", "much"),
        ("memory", "0"),
        ("shm_size", "1t"),
        ("cpus", 0),
        ("cpus", True),
        ("cpus", "two"),
        ("devices", "/dev/video0"),
        ("group_add", [44]),
        ("privileged", True),
        ("cap_add", ["SYS_ADMIN"]),
    ],
)
def test_what_cannot_be_is_told(field: str, value: Any) -> None:
    """Nothing passes on unchecked: neither a wrong value nor an option that is not known."""
    with pytest.raises(UsageError) as caught:
        KernelOptions.from_json({"image": "debian:bookworm", field: value})
    assert caught.value.fix
