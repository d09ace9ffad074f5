"""What a kernel's image is made of: checked values, and the command that makes it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from jupyter_xdisplay import __version__
from jupyter_xdisplay.containers.options import KernelOptions
from jupyter_xdisplay.errors import UsageError

REPOSITORY = "jupyter-xdisplay-kernel-"
ADD = "jupyter xdisplay kernel add"
TOOLKITS = ("auto", "qt", "tk", "none")
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_SYSTEM_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*(?::[a-z0-9]+)?(?:=[\w.+:~-]+)?")


@dataclass(frozen=True)
class Recipe:
    """What a kernel's image is made of.

    Parameters
    ----------
    name
        The kernel's.
    base
        The image to start from.
    apt, pip
        More to install: system packages, and Python packages as pip names them.
    toolkit
        A GUI toolkit to install: `auto` (Qt, where the image has none), `qt`, `tk` or `none`.

    Raises
    ------
    UsageError
        On names that are not possible.
    """

    name: str
    base: str
    apt: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    toolkit: str = "auto"

    def __post_init__(self) -> None:
        check_name(self.name)
        for package in self.apt:
            if _SYSTEM_PACKAGE.fullmatch(package) is None:
                raise UsageError(f"{package!r} is no system package.", fix="such as: --apt ffmpeg")
        for requirement in self.pip:
            if not requirement[:1].isalnum() or "\n" in requirement:
                raise UsageError(
                    f"{requirement!r} is no Python package.", fix="such as: --pip 'gymnasium>=1'"
                )
        if self.toolkit not in TOOLKITS:
            raise UsageError(
                f"{self.toolkit!r} is no toolkit.", fix="use one of: " + ", ".join(TOOLKITS)
            )

    @property
    def tag(self) -> str:
        """What the image is called."""
        return f"{REPOSITORY}{self.name}:{__version__}"

    @property
    def command(self) -> str:
        """The command that makes it."""
        return add_command(self.name, self.base)


def check_name(name: str) -> None:
    """Refuse names that Jupyter or the engine refuses.

    Raises
    ------
    UsageError
        With a name that is possible.
    """
    if _NAME.fullmatch(name) is None or len(name) > 100:
        possible = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100] or "my-kernel"
        raise UsageError(
            f"{name!r} is no name for a kernel: small letters, digits, and single dots, hyphens "
            "or underscores between them.",
            fix=f"--name {possible}",
        )


def command_for(options: KernelOptions) -> str:
    """Return the command that makes a kernel's image anew; what is added to it is changed."""
    name = options.image.partition(":")[0].rpartition("/")[2].removeprefix(REPOSITORY)
    return add_command(name, options.base)


def add_command(name: str, base: str) -> str:
    """Return the command that makes a kernel's image; options that it had are kept by it."""
    return f"{ADD} --image {shlex.quote(base) if base else 'IMAGE'} --name {name or 'NAME'}"
