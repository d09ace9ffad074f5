"""Building an image from files: what all images of this package have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
_STEP_IMAGE = re.compile(r"---> ([0-9a-f]{12,64})")


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


def build(
    client: docker.DockerClient,
    files: Mapping[str, bytes],
    setup: Setup,
    *,
    tag: str,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    explain: Callable[[Failure], ImageBuildFailed],
    forget: bool = False,
) -> Image:
    """Build an image from a Dockerfile and the files beside it.

    Parameters
    ----------
    client
        The engine.
    files
        Path → content, as in `context`.
    setup
        How; its wheels and certificates have to be among the files already.
    tag
        What the image is called.
    arguments
        Build arguments, beside those of `setup`.
    labels
        Labels of the image.
    explain
        Says what a failure means.
    forget
        Remove what the engine keeps for a next build: of a failure all, else the stages that the
        image was copied from. They are larger than the image, and people build once.

    Raises
    ------
    ImageBuildFailed
        What `explain` returns.
    EngineUnreachable
        When the engine went away.
    """
    import docker
    import urllib3

    log: list[str] = []
    try:
        output = client.api.build(
            fileobj=context.archive(files),
            custom_context=True,
            tag=tag,
            buildargs={**setup.build_args, **arguments},
            network_mode=setup.network,
            labels=dict(labels),
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
                if forget:
                    _forget(client, log)
                raise explain(Failure(str(step["error"]).strip(), log[-LOG_LINES:], code))
        image = client.images.get(tag)
        if forget:
            _forget(client, log, keep=str(image.id))
        return image  # noqa: TRY300 - the handlers are for all of it
    except docker.errors.ImageNotFound as error:
        # The output ended before the build did: the engine was stopped.
        raise engine.explain(error) from error
    except docker.errors.APIError as error:
        raise explain(Failure(str(error.explanation or error), log[-LOG_LINES:])) from error
    except (OSError, urllib3.exceptions.HTTPError) as error:
        raise engine.explain(error) from error


def _forget(client: docker.DockerClient, log: list[str], keep: str = "") -> None:
    """Remove the images of a build's steps, the last one first, but for the result and its own."""
    import docker

    made = [
        found[1]
        for line in log
        if (found := _STEP_IMAGE.fullmatch(line.strip()))
        and not (keep and keep.removeprefix("sha256:").startswith(found[1]))
    ]
    for image in reversed(made[1:]):  # the first one is what it started from
        with suppress(docker.errors.APIError):  # others may need it
            client.images.remove(image, noprune=True)


def lines(step: Mapping[str, Any]) -> list[str]:
    """Return what one object of an engine's output says, without empty lines."""
    text = step.get("stream") or step.get("status") or ""
    return [line for line in str(text).splitlines() if line.strip()]


def network_fix(text: str, command: str) -> str | None:
    """Return what mends a build that failed for its surroundings; None for other reasons.

    Parameters
    ----------
    text
        What the build said.
    command
        What was run, for fixes that add a flag to it.
    """
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verif" in text.lower():
        return f"{command} --ca-bundle FILE   (the certificates of this network's proxy, as PEM)"
    if "Could not resolve" in text or "Temporary failure in name resolution" in text:
        return f"{command} --proxy URL   (or mend the engine's DNS)"
    if "no space left" in text.lower():
        return "docker system df; docker image prune   (the engine's disk is full)"
    return None
