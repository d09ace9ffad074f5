"""`jupyter xdisplay image`: the image that sidecars run in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay.errors import UsageError

if TYPE_CHECKING:
    import argparse

PROXY_VARIABLES = ("http_proxy", "https_proxy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Fill the parser."""
    parser.add_argument("action", choices=["build"], help="build it on the container engine")
    parser.add_argument("--base", metavar="IMAGE", help="what to start from: debian:bookworm-slim")
    parser.add_argument("--tag", metavar="NAME", help="what to call it")
    parser.add_argument("--network", metavar="NAME", help="the network of the build: host")
    parser.add_argument("--proxy", metavar="URL", help="the proxy for apt and pip")
    parser.add_argument(
        "--ca-bundle", type=Path, metavar="FILE", help="more certificates to trust, as PEM"
    )
    parser.add_argument(
        "--wheels", type=Path, metavar="DIR", help="install Python packages from here, not PyPI"
    )
    parser.add_argument("--verbose", "-v", action="store_true", help="show the build's output")


def run(arguments: argparse.Namespace) -> int:
    """Build the image and say what came of it; return the exit code."""
    from jupyter_xdisplay.containers import engine, images

    for path in (arguments.ca_bundle, arguments.wheels):
        if path is not None and not path.exists():
            raise UsageError(f"There is no {path}.")
    proxies = dict.fromkeys(PROXY_VARIABLES, arguments.proxy) if arguments.proxy else {}
    _say("Building the sidecar's image; the first time takes a minute or two.")
    image = images.build_sidecar(
        engine.connect(timeout_s=1800),
        tag=arguments.tag or images.SIDECAR_TAG,
        base=arguments.base,
        build_args=proxies,
        network=arguments.network,
        wheels=arguments.wheels,
        ca_bundle=arguments.ca_bundle,
        told=_say if arguments.verbose else _progress,
    )
    megabytes = image.attrs["Size"] / 1e6
    _say(f"{', '.join(image.tags)}: {megabytes:.0f} MB")
    return 0


def _progress(line: str) -> None:
    """Show the steps only."""
    if line.startswith("Step "):
        _say(line[:100])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
