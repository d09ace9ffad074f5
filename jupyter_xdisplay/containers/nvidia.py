"""What gives NVIDIA's GPUs to containers, as commands: for whoever misses them. Pure."""

from __future__ import annotations

GENERATE = "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
"""Describes them as CDI devices, which is how podman knows them."""

INSTALL = (
    "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html: "
    "install nvidia-container-toolkit"
)
CONFIGURE = "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
CONFIGURE_ROOTLESS = (
    "nvidia-ctk runtime configure --runtime=docker --config=$HOME/.config/docker/daemon.json && "
    "systemctl --user restart docker && sudo nvidia-ctk config --set "
    "nvidia-container-cli.no-cgroups --in-place"
)


def configure(*, podman: bool, rootless: bool = False) -> str:
    """Return what lets an engine give GPUs, once the toolkit is installed."""
    if podman:
        return GENERATE
    return CONFIGURE_ROOTLESS if rootless else CONFIGURE
