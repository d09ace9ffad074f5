"""A stand-in for an image such as researchers have: Python with numpy, no pip, nothing of X.

It runs as a user of its own, and its numpy is older than the newest, as that of images is.
"""

from __future__ import annotations

from pathlib import Path

import docker
from docker.models.images import Image

from jupyter_xdisplay.containers import context
from tests.containers.real_engine import BASE, download

TAG = "stand-in:latest"
USER = "researcher"
NUMPY = "numpy<2.4"
LABEL = "org.jupyter.xdisplay.test"

DOCKERFILE = f"""
FROM {BASE}
COPY wheels/ /tmp/wheels/
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends python3 \
    && python3 "$(echo /tmp/wheels/pip-*.whl)/pip" install -q --break-system-packages \
        --no-index --find-links /tmp/wheels '{NUMPY}' matplotlib \
    && rm -rf /tmp/wheels /var/lib/apt/lists/* \
    && useradd --uid 4321 {USER}
USER {USER}
"""


def make(client: docker.DockerClient, folder: Path) -> Image:
    """Return the image, built if it is not there as it is to be."""
    current = context.digest({"Dockerfile": DOCKERFILE.encode()})
    try:
        image = client.images.get(TAG)
        if image.labels.get(LABEL) == current:
            return image
    except docker.errors.ImageNotFound:
        pass
    download(folder, "pip", "matplotlib", NUMPY)
    wheels = {f"wheels/{path.name}": path.read_bytes() for path in folder.glob("*.whl")}
    image, _ = client.images.build(
        fileobj=context.archive({"Dockerfile": DOCKERFILE.encode(), **wheels}),
        custom_context=True,
        tag=TAG,
        network_mode="host",
        labels={LABEL: current},
        rm=True,
        forcerm=True,
    )
    return image
