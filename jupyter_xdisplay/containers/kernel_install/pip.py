"""Python packages: pip, wherever it comes from, and what it must leave as it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from . import CERTIFICATES, HERE, NO_PIP, PIP_FAILED, Failed, run, say
from .apt import Apt

_VERSION = re.compile(
    r"([0-9]+!)?[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?"
    r"(\+[a-z0-9]+([._-][a-z0-9]+)*)?"
)
"""A version that pip can read (PEP 440); distributions have others too."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def find_pip(apt: Apt) -> list[str]:
    """Return how pip is run: the image's own, or one from a wheel, which is not left behind."""
    own = [sys.executable, "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0:
        return own
    ensurepip = find_spec("ensurepip")
    folders = [HERE / "wheels"]
    if ensurepip is not None and ensurepip.origin is not None:
        folders.append(Path(ensurepip.origin).parent / "_bundled")
    found = [path for folder in folders for path in sorted(folder.glob("pip-*.whl"))]
    wheel = found[0] if found else apt.fetch_pip()
    if wheel is None:
        raise Failed(NO_PIP, "this image has no pip, and none could be fetched")
    return [sys.executable, str(wheel / "pip")]


def pip_install(pip: Sequence[str], requirements: Sequence[str], asked: Sequence[str]) -> None:
    """Install what is missing, without changing what is there.

    Where that cannot be (a package of the image is too old), numpy stays as it is all the same:
    programs are compiled for it.
    """
    pinned = HERE / "pinned.txt"
    wanted = [*requirements, *asked]
    command = [*pip, "install", *_options(), "-c", str(pinned), *wanted]
    say("installing Python packages: " + " ".join(wanted))
    names = {normal(name) for line in asked if (name := _name(line))}
    for round_, keep in enumerate((None, {"numpy"} - names)):
        pinned.write_text("\n".join(pins(keep)) + "\n")
        code, conflict = _run_pip(command)
        if code == 0:
            return
        if round_ or not conflict:
            break
        say("some packages of the image are too old for these: pip may replace them, but not numpy")
    raise Failed(PIP_FAILED, "pip could not install the Python packages")


def _options() -> list[str]:
    options = ["--no-cache-dir", "--prefer-binary"]
    if (HERE / "wheels").is_dir():
        options += ["--no-index", "--find-links", str(HERE / "wheels")]
    return options


def _variables() -> dict[str, str]:
    variables = {
        "PIP_BREAK_SYSTEM_PACKAGES": "1",  # a container's system is the user's own (PEP 668)
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_NO_INPUT": "1",
    }
    if CERTIFICATES.exists():
        variables["PIP_CERT"] = str(CERTIFICATES)
    return variables


def _run_pip(command: Sequence[str]) -> tuple[int, bool]:
    """Run pip, whose output is the build's; return its code, and whether versions conflict."""
    conflict = False
    with subprocess.Popen(
        command,
        env={**os.environ, **_variables()},
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            conflict = conflict or "ResolutionImpossible" in line
    return process.returncode, conflict


def pins(keep: set[str] | None = None) -> list[str]:
    """Return a constraint for each installed package, or for some of them."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name and _NAME.fullmatch(name) and _VERSION.fullmatch(distribution.version or ""):
            found.setdefault(normal(name), distribution.version)
    return [f"{name}=={found[name]}" for name in sorted(found) if keep is None or name in keep]


def normal(name: str) -> str:
    """Return a package's name as indexes have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _name(requirement: str) -> str:
    found = _NAME.match(requirement)
    return found.group() if found else ""


def uninstall(pip: Sequence[str], name: str, but_not_in: Path) -> None:
    """Remove a package that pip installed."""
    for found in metadata.distributions():
        here = Path(str(found.locate_file("")))
        if normal(found.metadata["Name"] or "") == name and here != but_not_in:
            run([*pip, "uninstall", "-q", "-y", name], PIP_BREAK_SYSTEM_PACKAGES="1")
            return
