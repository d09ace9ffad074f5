"""Looks which parts are there, and which package managers. Changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay.setup.parts import Manager, Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

APT_LISTS = Path("/var/lib/apt/lists")
LISTS_FRESH_S = 24 * 3600
"""Package lists of apt that are older are fetched again before an installation."""

_EXECUTABLES: dict[Manager, tuple[str, ...]] = {
    "apt": ("apt-get",),
    "dnf": ("dnf", "microdnf"),
    "apk": ("apk",),
    "zypper": ("zypper",),
    "conda": ("mamba", "conda", "micromamba"),
}

_LIBRARY_ROOTS = ("/usr/lib/*-linux-gnu*", "/usr/lib64", "/usr/lib", "/usr/local/lib")
_FONT_ROOTS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
_LOAD = """
import ctypes, json, sys
missing = []
for soname in json.loads(sys.argv[1]):
    try:
        ctypes.CDLL(soname)
    except OSError:
        missing.append(soname)
print(json.dumps(missing))
"""


@dataclass(frozen=True)
class Facts:
    """What a plan is made from.

    `managers` maps each package manager that is there to its executable; `distribution` holds ID
    and ID_LIKE of os-release(5); `sudo` says whether sudo works without a password.
    """

    missing: tuple[Part, ...]
    managers: dict[Manager, str]
    root: bool
    sudo: bool = False
    distribution: tuple[str, ...] = ()
    lists_fresh: bool = True
    conda_prefix: str | None = None


def gather(parts: Iterable[Part]) -> Facts:
    """Look at this machine for these parts."""
    root = os.geteuid() == 0
    return Facts(
        missing=missing_parts(parts),
        managers=dict(_managers()),
        root=root,
        sudo=not root and _sudo_works(),
        distribution=_distribution(),
        lists_fresh=_lists_fresh(APT_LISTS, time.time()),
        conda_prefix=conda_prefix(),
    )


def missing_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return the parts that are not there."""
    parts = tuple(parts)
    not_loaded = missing_libraries([name for part in parts for name in part.libraries])
    return tuple(part for part in parts if not _is_there(part, not_loaded))


def missing_libraries(sonames: list[str]) -> set[str]:
    """Return the shared libraries that cannot be loaded, tried in another process.

    There, because a library may do anything when it is loaded, and because this Python's own
    search path (conda's RUNPATH) is the one that counts.
    """
    result = subprocess.run(
        [sys.executable, "-c", _LOAD, json.dumps(sonames)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return set(json.loads(result.stdout.splitlines()[-1]))


def library_file(pattern: str) -> Path | None:
    """Return a file of that pattern below the folders of libraries, or None."""
    drivers = os.environ.get("LIBGL_DRIVERS_PATH", "").split(":")
    parents = [str(Path(folder).parent) for folder in drivers if folder]
    return _first([*parents, *_LIBRARY_ROOTS, f"{sys.prefix}/lib"], pattern)


def font_file(pattern: str) -> Path | None:
    """Return a font file of that pattern, or None."""
    roots = [*_FONT_ROOTS, f"{sys.prefix}/fonts", f"{sys.prefix}/share/fonts"]
    return _first(roots, f"**/{pattern}")


def conda_prefix() -> str | None:
    """Return the conda environment that this Python belongs to, or None."""
    return sys.prefix if (Path(sys.prefix) / "conda-meta").is_dir() else None


def _is_there(part: Part, not_loaded: set[str]) -> bool:
    if part.programs:
        return any(map(shutil.which, part.programs))
    if part.libraries:
        return not not_loaded.intersection(part.libraries)
    if part.files:
        return any(map(library_file, part.files))
    return any(map(font_file, part.fonts))


def _first(roots: Iterable[str], pattern: str) -> Path | None:
    for root in roots:
        folder = Path(root).expanduser().relative_to("/")
        found = next(Path("/").glob(f"{folder}/{pattern}"), None)
        if found is not None:
            return found
    return None


def _managers() -> Iterator[tuple[Manager, str]]:
    for manager, executables in _EXECUTABLES.items():
        for executable in executables:
            if shutil.which(executable):
                yield manager, executable
                break


def _sudo_works() -> bool:
    if shutil.which("sudo") is None:
        return False
    try:
        result = subprocess.run(
            ["sudo", "-n", "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def _distribution() -> tuple[str, ...]:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return ()
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    names = " ".join(fields.get(key, "").strip("\"'") for key in ("ID", "ID_LIKE"))
    return tuple(names.split())


def _lists_fresh(folder: Path, now: float) -> bool:
    """Whether apt's lists are there and not older than `LISTS_FRESH_S` seconds."""
    try:
        times = [path.stat().st_mtime for path in folder.glob("*_Packages*")]
    except OSError:
        return False
    return bool(times) and now - max(times) < LISTS_FRESH_S
