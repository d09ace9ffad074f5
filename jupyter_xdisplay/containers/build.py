"""Building an image from files: what all images of this package have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.containers import context, engine
from jupyter_xdisplay.errors import ImageBuildFailed

if TYPE_CHECKING:
    import docker
    from docker.models.images import Image

LOG_LINES = 20
DOCKERS = "--->"
_STEP_IMAGE = re.compile(r"(--->|-->) ([0-9a-f]{11,64})")


def _quiet(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Setup:
    """How images are built here: what depends on the network, not on the image.

    Parameters
    ----------
    network
        The network of the build's steps: `host`, for example.
    build_args
        Build arguments: proxies (`http_proxy`, …), for example.
    wheels
        A folder of wheels to install from, without an index.
    ca_bundle
        PEM certificates that apt and pip trust, beside the image's own.
    told
        Called with each line of the build's output.
    """

    network: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    wheels: Path | None = None
    ca_bundle: Path | None = None
    told: Callable[[str], None] = _quiet


@dataclass(frozen=True)
class Failure:
    """What a build said that failed: its error, the exit code of the step, its last lines."""

    error: str
    log: list[str]
    code: int | None = None

    @property
    def text(self) -> str:
        """All of it, to look for known messages in."""
        return "\n".join([*self.log, self.error])


@dataclass(frozen=True)
class Product:
    """What is built.

    Parameters
    ----------
    tag
        What the image is called.
    arguments
        Build arguments, beside those of `Setup`.
    labels
        Labels of the image.
    explain
        Says what a failure means.
    """

    tag: str
    arguments: Mapping[str, str]
    labels: Mapping[str, str]
    explain: Callable[[Failure], ImageBuildFailed]


def build(
    client: docker.DockerClient, files: Mapping[str, bytes], setup: Setup, product: Product
) -> Image:
    """Build an image from a Dockerfile and the files beside it.

    What the engine keeps for a next build is removed: of a failure all, else the stages that the
    image was copied from. They are larger than the image, and people build once.

    Parameters
    ----------
    client
        The engine.
    files
        Path → content, as in `context`.
    setup
        How; its wheels and certificates have to be among the files already.
    product
        What.

    Raises
    ------
    ImageBuildFailed
        What `Product.explain` returns.
    EngineUnreachable
        When the engine went away.
    """
    import docker
    import urllib3

    log: list[str] = []
    try:
        if (failure := _run(client, files, setup, product, log)) is not None:
            _forget(client, log)
            raise product.explain(failure)
        image = client.images.get(product.tag)
    except docker.errors.ImageNotFound as error:
        # The output ended before the build did: the engine was stopped.
        raise engine.explain(error) from error
    except docker.errors.APIError as error:
        text = str(error.explanation or error)
        raise product.explain(Failure(text, log[-LOG_LINES:])) from error
    except (OSError, urllib3.exceptions.HTTPError) as error:
        raise engine.explain(error) from error
    _forget(client, log, keep=str(image.id))
    return image


def _run(
    client: docker.DockerClient,
    files: Mapping[str, bytes],
    setup: Setup,
    product: Product,
    log: list[str],
) -> Failure | None:
    """Let the engine build; tell and collect what it says, and return its failure."""
    output = client.api.build(
        fileobj=context.archive(files),
        custom_context=True,
        tag=product.tag,
        buildargs={**setup.build_args, **product.arguments},
        network_mode=setup.network,
        labels=dict(product.labels),
        decode=True,
        rm=True,
        forcerm=True,
    )
    for step in output:
        for line in lines(step):
            log.append(line)
            setup.told(line)
        if "error" in step:
            code = (step.get("errorDetail") or {}).get("code")
            return Failure(str(step["error"]).strip(), log[-LOG_LINES:], code)
    return None


def _forget(client: docker.DockerClient, log: list[str], keep: str = "") -> None:
    """Remove the images of a build's steps, the last one first, but for the result and its own."""
    import docker

    for image in reversed(step_images(log)):
        if keep.removeprefix("sha256:").startswith(image):
            continue
        with suppress(docker.errors.APIError):  # others may need it
            client.images.remove(image, noprune=True)


def step_images(log: Sequence[str]) -> list[str]:
    """Return the images that steps of a build made, but for what it started from.

    Docker names that too, and first: `---> 1cbb1da0784d`. Podman does not: `--> 36ad1f495bf`.
    """
    found = [match for line in log if (match := _STEP_IMAGE.fullmatch(line.strip()))]
    made = [match[2] for match in found]
    return made[1:] if found and found[0][1] == DOCKERS else made


def lines(step: Mapping[str, Any]) -> list[str]:
    """Return what one object of an engine's output says, without empty lines."""
    text = step.get("stream") or step.get("status") or ""
    return [line for line in str(text).splitlines() if line.strip()]


def network_fix(text: str, command: str, program: str) -> str | None:
    """Return what mends a build that failed for its surroundings; None for other reasons.

    Parameters
    ----------
    text
        What the build said.
    command
        What was run, for fixes that add a flag to it.
    program
        The engine's own command.
    """
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verif" in text.lower():
        return f"{command} --ca-bundle FILE   (the certificates of this network's proxy, as PEM)"
    if "Could not resolve" in text or "Temporary failure in name resolution" in text:
        return f"{command} --proxy URL   (or mend the engine's DNS)"
    if engine.is_full(text):
        return engine.disk_full(program)
    return None
