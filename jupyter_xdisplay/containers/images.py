"""The image of the sidecar: building it, and whether the one that is there is current."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from jupyter_xdisplay import __version__
from jupyter_xdisplay.containers import context
from jupyter_xdisplay.containers.build import Product, Setup, build, network_fix
from jupyter_xdisplay.containers.engine import program_of
from jupyter_xdisplay.errors import ImageBuildFailed, ImageMissing

if TYPE_CHECKING:
    import docker
    from docker.models.images import Image

SIDECAR_TAG = f"jupyter-xdisplay-sidecar:{__version__}"
DIGEST_LABEL = "org.jupyter.xdisplay.digest"
"""What an image was built from; of this package's files only, as wheels and bases differ."""

BUILD = "jupyter xdisplay image build"


def build_sidecar(
    client: docker.DockerClient,
    setup: Setup | None = None,
    *,
    tag: str = SIDECAR_TAG,
    base: str | None = None,
) -> Image:
    """Build the image that sidecars run in.

    Parameters
    ----------
    client
        Where to build it.
    setup
        How images are built here.
    tag
        What it is called.
    base
        The Debian or Ubuntu image to start from, debian:bookworm-slim by default.

    Raises
    ------
    ImageBuildFailed
        With the last lines of the output.
    """
    setup = setup or Setup()
    arguments = {"BASE": base} if base is not None else {}
    if setup.wheels is not None:
        arguments["PIP_OPTIONS"] = "--no-index --find-links /tmp/wheels"
    product = Product(
        tag,
        arguments,
        labels={DIGEST_LABEL: sidecar_digest()},
        explain=lambda failure: ImageBuildFailed(
            f"The image {tag} could not be built: {failure.error}",
            fix=_fix(failure.text, program_of(client)),
            log=failure.log,
        ),
    )
    return build(client, context.sidecar_files(setup.wheels, setup.ca_bundle), setup, product)


@functools.cache  # asked for at each start of a display, and 200 files are read for it
def sidecar_digest() -> str:
    """Return what a current image has in its label."""
    return context.digest(context.sidecar_files())


def find_sidecar(engine: docker.DockerClient, tag: str = SIDECAR_TAG) -> Image:
    """Return the image that sidecars run in.

    Raises
    ------
    ImageMissing
        When it is not there, or was built by another version of this package.
    """
    import docker

    try:
        image = engine.images.get(tag)
    except docker.errors.ImageNotFound as error:
        raise ImageMissing(f"The image {tag} is not on this engine.", fix=_command(tag)) from error
    if image.labels.get(DIGEST_LABEL) != sidecar_digest():
        raise ImageMissing(f"The image {tag} was built by another version.", fix=_command(tag))
    return image


def _command(tag: str) -> str:
    return BUILD if tag == SIDECAR_TAG else f"{BUILD} --tag {tag}"


def _fix(text: str, program: str) -> str:
    """Return what mends a build that failed so."""
    if known := network_fix(text, BUILD, program):
        return known
    if "pull access denied" in text or "manifest" in text or "failed to resolve reference" in text:
        return f"{BUILD} --base IMAGE   (a Debian or Ubuntu image that this engine can have)"
    return f"{BUILD} --verbose   (it shows the whole output)"
