"""Runs inside the build of a kernel's image, with that image's own Python, as root.

Stands alone, for it runs before anything of this package can be imported there. It is asked by
`request.json` beside it, installs what is missing, and removes itself. What the image has stays
as it is: versions of installed packages are pinned while pip resolves.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

NO_PYTHON, OLD_PYTHON, NO_PIP, PIP_FAILED, APT_FAILED, NO_APT, NO_TOOLKIT, BROKEN = range(61, 69)
"""Exit codes: what failed. The first two are the Dockerfile's own."""

HERE = Path(__file__).parents[1]
"""Where the request is, and wheels and certificates if some were given."""

CERTIFICATES = HERE / "all.pem"
"""There only if certificates were given: those, and the system's."""

PACKAGE = Path("/opt/jupyter-xdisplay")


class Failed(Exception):
    """Ends the build's step with an exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def say(text: str) -> None:
    """Print a line of the build's output."""
    sys.stdout.write(f"jupyter_xdisplay: {text}\n")
    sys.stdout.flush()


def run(argv: Sequence[str], **variables: str) -> int:
    """Run a program whose output is the build's; return its exit code."""
    return subprocess.run(
        argv, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, cwd="/", check=False
    ).returncode
