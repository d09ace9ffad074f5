"""`jupyter xdisplay image`: the image that sidecars run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_xdisplay.containers import build_flags

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Fill the parser."""
    parser.add_argument("action", choices=["build"], help="build it on the container engine")
    parser.add_argument("--base", metavar="IMAGE", help="what to start from: debian:bookworm-slim")
    parser.add_argument("--tag", metavar="NAME", help="what to call it")
    build_flags.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Build the image and say what came of it; return the exit code."""
    from jupyter_xdisplay.containers import engine, images

    setup = build_flags.read(arguments)
    build_flags.say("Building the sidecar's image; the first time takes a minute or two.")
    client = engine.connect(timeout_s=1800)
    tag = arguments.tag or images.SIDECAR_TAG
    image = images.build_sidecar(client, setup, tag=tag, base=arguments.base)
    megabytes = image.attrs["Size"] / 1e6
    build_flags.say(f"{', '.join(image.tags)}: {megabytes:.0f} MB")
    return 0
