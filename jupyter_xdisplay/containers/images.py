"""The image of the sidecar: building it, and whether the one that is there is current."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay import __version__
from jupyter_xdisplay.containers import context
from jupyter_xdisplay.errors import ImageBuildFailed, ImageMissing

if TYPE_CHECKING:
    import docker
    from docker.models.images import Image

SIDECAR_TAG = f"jupyter-xdisplay-sidecar:{__version__}"
DIGEST_LABEL = "org.jupyter.xdisplay.digest"
"""What an image was built from; of this package's files only, as wheels and bases differ."""

BUILD = "jupyter xdisplay image build"
LOG_LINES = 20


def build_sidecar(
    engine: docker.DockerClient,
    *,
    tag: str = SIDECAR_TAG,
    base: str | None = None,
    build_args: Mapping[str, str] | None = None,
    network: str | None = None,
    wheels: Path | None = None,
    ca_bundle: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Image:
    """Build the image that sidecars run in.

    Parameters
    ----------
    engine
        Where to build it.
    tag
        What it is called.
    base
        The Debian or Ubuntu image to start from, debian:bookworm-slim by default.
    build_args
        More build arguments: proxies (`http_proxy`, …), for example.
    network
        The network of the build's steps: `host`, for example.
    wheels, ca_bundle
        See `context.sidecar_files`.
    told
        Called with each line of the build's output.

    Raises
    ------
    ImageBuildFailed
        With the last lines of the output.
    """
    files = context.sidecar_files(wheels, ca_bundle)
    arguments = dict(build_args or {})
    if base is not None:
        arguments["BASE"] = base
    if wheels is not None:
        arguments["PIP_OPTIONS"] = "--no-index --find-links /tmp/wheels"
    output = engine.api.build(
        fileobj=context.archive(files),
        custom_context=True,
        tag=tag,
        buildargs=arguments,
        network_mode=network,
        labels={DIGEST_LABEL: sidecar_digest()},
        decode=True,
        rm=True,
        forcerm=True,
    )
    log: list[str] = []
    for step in output:
        for line in _lines(step):
            log.append(line)
            told(line)
        if "error" in step:
            raise ImageBuildFailed(
                f"The image {tag} could not be built: {step['error'].strip()}",
                fix=_fix(" ".join(log[-LOG_LINES:]) + step["error"]),
                log=log[-LOG_LINES:],
            )
    return engine.images.get(tag)


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
        raise ImageMissing(f"The image {tag} is not on this engine.", fix=BUILD) from error
    if image.labels.get(DIGEST_LABEL) != sidecar_digest():
        raise ImageMissing(f"The image {tag} was built by another version.", fix=BUILD)
    return image


def _lines(step: Mapping[str, Any]) -> list[str]:
    text = step.get("stream") or step.get("status") or ""
    return [line for line in str(text).splitlines() if line.strip()]


def _fix(text: str) -> str:
    """Return what mends a build that failed so."""
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verif" in text.lower():
        return f"{BUILD} --ca-bundle FILE   (the certificates of this network's proxy, as PEM)"
    if "Could not resolve" in text or "Temporary failure in name resolution" in text:
        return f"{BUILD} --proxy URL   (or mend the engine's DNS)"
    if "no space left" in text.lower():
        return "docker system df; docker image prune   (the engine's disk is full)"
    if "pull access denied" in text or "manifest" in text or "failed to resolve reference" in text:
        return f"{BUILD} --base IMAGE   (a Debian or Ubuntu image that this engine can have)"
    return f"{BUILD} --verbose   (it shows the whole output)"
