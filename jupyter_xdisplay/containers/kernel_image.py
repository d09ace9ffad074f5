"""The images that kernels run in: somebody's image, and what the kernel's side needs on top."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from jupyter_xdisplay.containers import context
from jupyter_xdisplay.containers.build import Product, Setup, build, lines
from jupyter_xdisplay.containers.engine import program_of
from jupyter_xdisplay.containers.images import DIGEST_LABEL
from jupyter_xdisplay.containers.kernel_failures import explain
from jupyter_xdisplay.containers.kernel_recipe import REPOSITORY, Recipe, add_command
from jupyter_xdisplay.errors import ImageMissing, UsageError

if TYPE_CHECKING:
    import docker
    from docker.models.images import Image

NAME_LABEL = "org.jupyter.xdisplay.kernel"
BASE_LABEL = "org.jupyter.xdisplay.base"
BASE_ID_LABEL = "org.jupyter.xdisplay.base-id"


@functools.cache  # asked for at each start of a kernel, and 200 files are read for it
def kernel_digest() -> str:
    """Return what a current image has in its label: of this package's files only."""
    return context.digest(context.kernel_files({}))


def find_kernel(engine: docker.DockerClient, tag: str, *, base: str = "") -> Image:
    """Return the image of a kernel.

    Parameters
    ----------
    engine
        Where it is.
    tag
        What it is called.
    base
        What it is made from, if that is known, for the fix.

    Raises
    ------
    ImageMissing
        When it is not there, or was built by another version of this package.
    """
    import docker

    try:
        image = engine.images.get(tag)
    except docker.errors.ImageNotFound as error:
        name = tag.partition(":")[0].rpartition("/")[2].removeprefix(REPOSITORY)
        raise ImageMissing(
            f"The image {tag} is not on this engine.", fix=add_command(name, base)
        ) from error
    if image.labels.get(DIGEST_LABEL) != kernel_digest():
        found = image.labels
        raise ImageMissing(
            f"The image {tag} was built by another version, or not for kernels.",
            fix=add_command(found.get(NAME_LABEL, ""), found.get(BASE_LABEL, base)),
        )
    return image


def find_base(engine: docker.DockerClient, base: str, told: Callable[[str], None]) -> Image:
    """Return the image that a kernel's is made from; it is pulled where it is not there.

    Raises
    ------
    ImageMissing
        When it cannot be pulled.
    """
    import docker
    from docker.utils import parse_repository_tag

    with suppress(docker.errors.ImageNotFound):
        return engine.images.get(base)
    told(f"Pulling {base}")
    repository, tag = parse_repository_tag(base)
    said: list[str] = []
    try:
        for step in engine.api.pull(repository, tag or "latest", stream=True, decode=True):
            said += [step["error"]] if "error" in step else []
            for line in () if "progress" in step else lines(step):
                told(line)
        if not said:
            return engine.images.get(base)
    except docker.errors.APIError as error:
        said.append(str(error.explanation or error))
    program = program_of(engine)
    raise ImageMissing(
        f"The image {base} is not on this engine, and cannot be pulled.",
        fix=f"{program} pull {base}   (log in first where it is private: {program} login), or "
        f"another --image: {program} images lists those that are there",
        log=said[-3:],
    )


def build_kernel(engine: docker.DockerClient, recipe: Recipe, setup: Setup | None = None) -> Image:
    """Build the image of a kernel.

    Parameters
    ----------
    engine
        Where to build it.
    recipe
        What it is made of.
    setup
        How images are built here.

    Raises
    ------
    ImageMissing
        When the image to start from cannot be had.
    ImageBuildFailed
        With the last lines of the output.
    EngineUnreachable
        When the engine went away.
    """
    setup = setup or Setup()
    base = find_base(engine, recipe.base, setup.told)
    request = {key: asdict(recipe)[key] for key in ("apt", "pip", "toolkit")}
    files = context.kernel_files(request, setup.wheels, setup.ca_bundle)
    old = _images_of(engine, recipe.name)
    image = build(engine, files, setup, _product(engine, recipe, base))
    _replace(engine, old, image, recipe.name)
    return image


def _product(engine: docker.DockerClient, recipe: Recipe, base: Image) -> Product:
    """Return what is built on top of a base."""
    return Product(
        recipe.tag,
        # By its id: what a tag means may change, and an id is never pulled.
        arguments={"BASE": str(base.id), "BASE_USER": base.attrs["Config"].get("User") or "0"},
        labels={
            DIGEST_LABEL: kernel_digest(),
            NAME_LABEL: recipe.name,
            BASE_LABEL: recipe.base,
            BASE_ID_LABEL: str(base.id),
        },
        explain=lambda failure: explain(
            failure, recipe, machines(engine, base), program_of(engine)
        ),
    )


def _replace(engine: docker.DockerClient, old: list[Image], new: Image, name: str) -> None:
    """Remove the images that a kernel had before."""
    import docker

    for image in old:
        if image.id != new.id:
            # A kernel may still run in it, and another image may be made from it.
            with suppress(docker.errors.APIError):
                _remove(engine, image, name)


def remove_images(engine: docker.DockerClient, name: str) -> int:
    """Remove the images of a kernel, those of other versions too; return how many.

    Raises
    ------
    UsageError
        When a container uses one of them.
    """
    import docker

    found = _images_of(engine, name)
    for image in found:
        try:
            _remove(engine, image, name)
        except docker.errors.APIError as error:
            raise UsageError(
                f"The image of the kernel {name} is in use.",
                fix=f"shut the kernels down that run in it, then again: jupyter xdisplay kernel "
                f"remove {name}; or keep it: --keep-image",
                log=[str(error.explanation or error)],
            ) from error
    return len(found)


def machines(engine: docker.DockerClient, image: Image) -> tuple[str, str]:
    """Return the architectures of an image and of the engine: `("arm64", "amd64")`."""
    return str(image.attrs.get("Architecture", "?")), str(engine.version().get("Arch", "?"))


def _images_of(engine: docker.DockerClient, name: str) -> list[Image]:
    """Return the images that were made for a kernel, by tag: labels are inherited by others."""
    listed = engine.images.list(name=f"{REPOSITORY}{name}")
    return [image for image in listed if image.labels.get(NAME_LABEL) == name]


def _remove(engine: docker.DockerClient, image: Image, name: str) -> None:
    """Take an image's names from it, and with the last one itself."""
    image.reload()
    for tag in image.tags:
        repository, _, _ = tag.rpartition(":")
        # podman puts a registry before it: localhost/, or docker.io/library/ for what was loaded
        if repository.rpartition("/")[2] == f"{REPOSITORY}{name}":
            engine.images.remove(tag)
    if not image.tags:
        engine.images.remove(str(image.id))
