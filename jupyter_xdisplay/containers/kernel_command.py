"""`jupyter xdisplay kernel`: kernels that run in containers of images of the user's."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.containers import build_flags
from jupyter_xdisplay.containers.build_flags import say
from jupyter_xdisplay.errors import EngineUnreachable, ImageMissing, UsageError

if TYPE_CHECKING:
    import argparse

    import docker

    from jupyter_xdisplay.containers.build import Setup
    from jupyter_xdisplay.containers.kernel_recipe import Recipe
    from jupyter_xdisplay.containers.kernel_specs import Found

MEGABYTE = 1e6
TIMEOUT_S = 1800
LINE_LENGTH = 160

OPTIONS = ("gpus", "network", "memory", "shm_size", "cpus")
LISTS = ("volumes", "devices", "group_add")
"""Options of the kernel's container, as `KernelOptions` calls them, and so the arguments too."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Fill the parser."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="make a kernel of an image", description=_ADD)
    _add_add_arguments(add)
    listing = actions.add_parser("list", help="show the kernels that run in containers")
    remove = actions.add_parser("remove", help="remove a kernel and its image")
    remove.add_argument("name", metavar="NAME", help="the kernel's name")
    remove.add_argument("--keep-image", action="store_true", help="keep the image made for it")
    for sub in (add, listing, remove):
        group = sub.add_mutually_exclusive_group()
        group.add_argument("--prefix", type=Path, metavar="DIR", help="the kernel's place: DIR")
        group.add_argument(
            "--sys-prefix",
            dest="prefix",
            action="store_const",
            const=Path(sys.prefix),
            help="its place: this Python's environment; else the user's own folder",
        )
        sub.set_defaults(parser=sub)


_ADD = (
    "Builds an image on top of IMAGE with ipykernel, this package and, where it has none, a GUI "
    "toolkit; then writes a kernel specification. Once more for the same name: builds it anew, "
    "and options that are not given stay as they were, unless with --reset."
)


def _add_add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", required=True, metavar="IMAGE", help="what to start from")
    parser.add_argument("--name", required=True, metavar="NAME", help="the kernel's name: tf")
    parser.add_argument("--display-name", metavar="TEXT", help="what JupyterLab shows")
    parser.add_argument(
        "--replace", action="store_true", help="replace another kind of kernel of that name"
    )
    parser.add_argument(
        "--reset", action="store_true", help="forget the packages and options that it had"
    )
    made = parser.add_argument_group("what is installed on top of IMAGE")
    many: dict[str, Any] = {"action": "append"}
    made.add_argument("--apt", metavar="PACKAGE", help="a system package; repeatable", **many)
    made.add_argument("--pip", metavar="PACKAGE", help="a Python package; repeatable", **many)
    made.add_argument(
        "--toolkit",
        choices=["auto", "qt", "tk", "none"],
        help="a GUI toolkit; auto: Qt, where the image has no toolkit",
    )
    runs = parser.add_argument_group("what the kernel's container may have")
    runs.add_argument("--gpus", metavar="GPUS", help="all; 0,1; or cdi:nvidia.com/gpu=all")
    runs.add_argument("--network", metavar="NAME", help="bridge, host, none, or a network's name")
    runs.add_argument(
        "--volume", dest="volumes", metavar="SOURCE:TARGET[:ro]", help="a folder", **many
    )
    runs.add_argument("--env", metavar="NAME=VALUE", help="a variable; repeatable", **many)
    runs.add_argument("--memory", metavar="BYTES", help="the most memory: 8g")
    runs.add_argument("--shm-size", metavar="BYTES", help="shared memory: 2g")
    runs.add_argument("--cpus", type=float, metavar="NUMBER", help="the most processors")
    runs.add_argument("--device", dest="devices", metavar="PATH", help="a device file", **many)
    runs.add_argument("--group-add", metavar="GROUP", help="one more group", **many)
    build = parser.add_argument_group("how the image is built")
    build_flags.add_arguments(build, network="--build-network")
    build.add_argument(
        "--sidecar-base", metavar="IMAGE", help="what the sidecar's image starts from"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for; return the exit code."""
    actions = {"add": _add, "list": _list, "remove": _remove}
    return actions[arguments.action](arguments)


def _add(arguments: argparse.Namespace) -> int:
    from jupyter_xdisplay.containers import engine, kernel_image, kernel_recipe, kernel_specs

    kernel_recipe.check_name(arguments.name)
    old = kernel_specs.check_free(arguments.name, arguments.prefix, replace=arguments.replace)
    kept = None if arguments.reset else old
    recipe = _recipe(arguments, kept)
    options = _options(arguments, recipe, kept)
    shown = arguments.display_name or (old and old.display_name) or f"{recipe.name} ({recipe.base})"
    kernel_specs.check_writable(arguments.prefix)
    setup = build_flags.read(arguments)
    with closing(engine.connect(timeout_s=TIMEOUT_S)) as client:
        base = kernel_image.find_base(client, recipe.base, say)
        _make_sidecar(client, setup, arguments.sidecar_base)
        say(f"Building the kernel's image on top of {recipe.base}; this takes some minutes.")
        image = kernel_image.build_kernel(client, recipe, build_flags.read(arguments, _show))
        try:
            where = kernel_specs.write(recipe, options, str(shown), arguments.prefix)
        except UsageError:
            if old is None:  # nothing would name it
                kernel_image.remove_images(client, recipe.name)
            raise
        total, more = image.attrs["Size"], image.attrs["Size"] - base.attrs["Size"]
        say(
            f"{recipe.tag}: {total / MEGABYTE:.0f} MB, {more / MEGABYTE:.0f} MB more than "
            f"{recipe.base}"
        )
    say(f"Kernel specification: {where}")
    first = kernel_specs.find(recipe.name)
    if first is None:
        say(f"Jupyter does not look there: export JUPYTER_PATH={where.parents[1]}")
    elif first.directory.resolve() != where.resolve():
        say(f"Jupyter takes another kernel of that name first: {first.directory}")
    say(f'In JupyterLab choose the kernel "{shown}" (reload the page if it is not listed yet).')
    return 0


def _recipe(arguments: argparse.Namespace, old: Found | None) -> Recipe:
    """Return what the image is made of; what is not given stays as it was."""
    from jupyter_xdisplay.containers.kernel_recipe import Recipe

    recipe = old.recipe if old is not None else None
    recipe = recipe or Recipe(arguments.name, arguments.image)
    given: dict[str, Any] = {
        name: tuple(found) if isinstance(found, list) else found
        for name in ("apt", "pip", "toolkit")
        if (found := getattr(arguments, name)) is not None
    }
    return replace(recipe, base=arguments.image, **given)


def _options(arguments: argparse.Namespace, recipe: Recipe, old: Found | None) -> Any:
    """Return what the kernel's container may have; what is not given stays as it was."""
    from jupyter_xdisplay.containers.options import KernelOptions

    kept = old.options.to_json() if old is not None and old.options is not None else {}
    given = {
        name: found
        for name in (*OPTIONS, *LISTS)
        if (found := getattr(arguments, name)) is not None
    }
    if arguments.env is not None:
        given["env"] = dict(map(_variable, arguments.env))
    stays = sorted(set(kept) - set(given) - {"image", "base"})
    if stays:
        say("As before: " + ", ".join(stays) + "   (--reset forgets them)")
    return KernelOptions.from_json({**kept, **given, "image": recipe.tag, "base": recipe.base})


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is no variable.", fix="such as: --env NAME=VALUE")
    return name, value


def _make_sidecar(client: docker.DockerClient, setup: Setup, base: str | None) -> None:
    """Build the image of displays where it is not there, or not current."""
    from jupyter_xdisplay.containers import images

    try:
        images.find_sidecar(client)
    except ImageMissing:
        say("Building the sidecar's image, which displays run in; this takes a minute or two.")
        images.build_sidecar(client, setup, base=base)


def _show(line: str) -> None:
    """Show what is installed: the steps of the Dockerfile say less."""
    if line.startswith("jupyter_xdisplay: "):
        say("  " + line.partition(": ")[2][:LINE_LENGTH])


def _list(arguments: argparse.Namespace) -> int:
    from jupyter_xdisplay.containers import engine, kernel_specs

    found = kernel_specs.ours(kernel_specs.find_all(arguments.prefix))
    if not found:
        say("No kernels in containers. To make one: jupyter xdisplay kernel add --help")
        return 0
    client, problem = None, None
    try:
        client = engine.connect()
    except EngineUnreachable as error:
        problem = error
    rows = [("NAME", "MADE FROM", "SIZE", "STATE"), *(_row(client, one) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        say("  ".join([*cells, row[3]]).rstrip())
    if problem is not None:
        raise problem
    return 0


def _row(client: docker.DockerClient | None, found: Found) -> tuple[str, str, str, str]:
    """Return a line of the list: name, image, size, and whether it is current or its fix."""
    from jupyter_xdisplay.containers import kernel_image

    assert found.options is not None
    base = found.options.base or found.options.image
    if client is None:
        return found.name, base, "-", "unknown: the container engine does not answer"
    try:
        image = kernel_image.find_kernel(client, found.options.image, base=found.options.base)
    except ImageMissing as error:
        return found.name, base, "-", f"{error.message} To mend it: {error.fix}"
    return found.name, base, f"{image.attrs['Size'] / MEGABYTE:.0f} MB", "current"


def _remove(arguments: argparse.Namespace) -> int:
    from jupyter_xdisplay.containers import engine, kernel_image, kernel_specs

    found = kernel_specs.find(arguments.name, arguments.prefix)
    if found is None:
        raise UsageError(
            f"There is no kernel {arguments.name}.", fix="jupyter xdisplay kernel list"
        )
    kernel_specs.check_removable(found)
    images = 0
    if not arguments.keep_image:
        try:
            with closing(engine.connect()) as client:
                images = kernel_image.remove_images(client, found.name)
        except EngineUnreachable as error:
            error.fix = f"{error.fix}; or remove the kernel without its image: --keep-image"
            raise
    kernel_specs.remove(found)
    say(f"Removed the kernel {found.name}" + (" and its image." if images else "."))
    return 0
