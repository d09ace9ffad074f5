"""Flags of commands that build images."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay.containers.build import Setup
from jupyter_xdisplay.errors import UsageError

if TYPE_CHECKING:
    import argparse

PROXY_VARIABLES = ("http_proxy", "https_proxy")
STEP_LENGTH = 100
_STEP = re.compile(r"(\[\d+/\d+\] )?step \d", re.IGNORECASE)


def add_arguments(parser: argparse._ActionsContainer, *, network: str = "--network") -> None:
    """Add the flags; `network` is what the one of the build's network is called."""
    parser.add_argument(
        network, dest="build_network", metavar="NAME", help="the network of the build: host"
    )
    parser.add_argument("--proxy", metavar="URL", help="the proxy for apt and pip")
    parser.add_argument(
        "--ca-bundle", type=Path, metavar="FILE", help="more certificates to trust, as PEM"
    )
    parser.add_argument(
        "--wheels", type=Path, metavar="DIR", help="install Python packages from here, not PyPI"
    )
    parser.add_argument("--verbose", "-v", action="store_true", help="show the build's output")


def read(arguments: argparse.Namespace, progress: Callable[[str], None] | None = None) -> Setup:
    """Return what the flags say.

    Parameters
    ----------
    arguments
        The parsed arguments.
    progress
        Called with each line of the output, without `--verbose`; shows the steps by default.

    Raises
    ------
    UsageError
        On files that are not there.
    """
    for path in (arguments.ca_bundle, arguments.wheels):
        if path is not None and not path.exists():
            raise UsageError(f"There is no {path}.")
    proxies = dict.fromkeys(PROXY_VARIABLES, arguments.proxy) if arguments.proxy else {}
    return Setup(
        network=arguments.build_network,
        build_args=proxies,
        wheels=arguments.wheels,
        ca_bundle=arguments.ca_bundle,
        told=say if arguments.verbose else (progress or show_steps),
    )


def show_steps(line: str) -> None:
    """Show the steps only: `Step 2/9 : …`; podman's are `STEP 2/9: …` or `[1/2] STEP 2/9: …`."""
    if _STEP.match(line):
        say(line[:STEP_LENGTH])


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
