"""What a kernel's container is asked to be, and what it means when the engine refuses."""

from __future__ import annotations

import pytest

from jupyter_xdisplay.containers.options import KernelOptions, parse_volume
from jupyter_xdisplay.runtime.kernel_run import device_requests, explain


def test_gpus() -> None:
    """As the Engine API writes them: all, some, or a CDI device."""
    assert device_requests(None) == []
    [everything] = device_requests("all")
    assert (everything["Count"], everything["Capabilities"]) == (-1, [["gpu"]])
    [some] = device_requests("0,GPU-5f1e")
    assert (some["DeviceIDs"], some["Capabilities"]) == (["0", "GPU-5f1e"], [["gpu"]])
    assert not some["Count"]
    [device] = device_requests("cdi:nvidia.com/gpu=all")
    assert (device["Driver"], device["DeviceIDs"]) == ("cdi", ["nvidia.com/gpu=all"])


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ('could not select device driver "" with capabilities: [[gpu]]', "nvidia-ctk"),
        ("unresolvable CDI devices nvidia.com/gpu=all", "nvidia-ctk"),
        ("write /var/lib/docker: no space left on device", "docker system df"),
        ("invalid mount config: bind source path does not exist: /nowhere", "--volume"),
        ('exec: "python3": executable file not found in $PATH', "kernel add"),
        ("exec /usr/bin/python3: exec format error", "architecture"),
        ('custom device "/dev/video9": no such file or directory', "--device"),
        ("stat /dev/video9: no such file or directory", "--device"),
        ("statfs /data: no such file or directory", "make that folder"),
        ("crun: cannot stat `/mine`: No such file or directory", "make that folder"),
        ("exec: sh: no such file or directory", "makes the image anew"),
        ("something else", "doctor"),
    ],
)
def test_a_refusal_is_explained(said: str, fix: str) -> None:
    """What the engine said, and what mends it."""
    options = KernelOptions(
        "image", gpus="all", devices=("/dev/video9",), volumes=(parse_volume("/mine:/mine"),)
    )
    error = explain(said, options)
    assert said in error.message
    assert fix in (error.fix or "")


def test_a_refusal_of_podman_is_mended_with_podman() -> None:
    """Fixes name the command of the engine that is used."""
    options = KernelOptions("image", gpus="all")
    full = explain("no space left on device", options, "podman")
    assert (full.fix or "").startswith("podman system df; podman image prune")
    gpu = explain("unresolvable CDI devices nvidia.com/gpu=all", options, "podman").fix or ""
    assert "cdi generate" in gpu
    assert "runtime=docker" not in gpu
