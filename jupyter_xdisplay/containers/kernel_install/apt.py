"""System packages of Debian and Ubuntu."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import APT_FAILED, CERTIFICATES, HERE, NO_APT, Failed, run, say

SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class Apt:
    """Installs system packages, and leaves no lists and no documentation."""

    def __init__(self) -> None:
        self.program = shutil.which("apt-get")
        self._updated = False
        self._options = []
        if CERTIFICATES.exists():
            self._options = ["-o", f"Acquire::https::CaInfo={CERTIFICATES}"]

    def install(self, needed: Sequence[str], optional: Sequence[str] = ()) -> None:
        """Install what is needed, and those of the optional ones that exist here."""
        if not self.program:
            raise Failed(NO_APT, "this image has no apt-get to install system packages with")
        self.update()
        packages = [*needed, *self._known(optional)]
        exclude = [
            f"Dpkg::Options::=--path-{word}"
            for word in (
                *("exclude=/usr/share/doc/*", "exclude=/usr/share/man/*"),
                *("exclude=/usr/share/locale/*", "exclude=/usr/share/info/*"),
                "include=/usr/share/doc/*/copyright",
            )
        ]
        options = [word for option in exclude for word in ("-o", option)]
        say("installing system packages: " + " ".join(packages))
        if self._run("install", "-y", "-qq", "--no-install-recommends", *options, *packages):
            raise Failed(APT_FAILED, "apt-get could not install the system packages")

    def fetch_pip(self) -> Path | None:
        """Return the distribution's pip, which runs without being installed."""
        if not self.program:
            return None
        self.update()
        if not CERTIFICATES.exists() and not SYSTEM_CERTIFICATES.exists():
            self.install(["ca-certificates"])  # that pip trusts those of the system, and no others
        folder = HERE / "pip"
        folder.mkdir(exist_ok=True)
        command = [self.program, *self._options, "download", "-qq", "python3-pip-whl"]
        subprocess.run(command, cwd=folder, check=False)
        for archive in folder.glob("*.deb"):
            run(["dpkg-deb", "-x", str(archive), str(folder)])
        return next(folder.rglob("pip-*.whl"), None)

    def update(self) -> None:
        """Bring the lists of packages, once. Where one of many fails, the others may do."""
        if not self._updated:
            self._updated = True
            self._run("update", "-qq")

    def clean(self) -> None:
        """Remove what only later installations would need."""
        if self._updated:
            for folder in ("/var/lib/apt/lists", "/var/cache/apt", "/var/log/apt"):
                for path in Path(folder).glob("*"):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _run(self, *words: str) -> int:
        assert self.program
        return run([self.program, *self._options, *words], DEBIAN_FRONTEND="noninteractive")

    def _known(self, names: Sequence[str]) -> list[str]:
        if not names:
            return []
        found = subprocess.run(
            ["apt-cache", "showpkg", *names], capture_output=True, text=True, check=False
        )
        return [name for name in names if name in known_packages(found.stdout)]


def known_packages(text: str) -> set[str]:
    """Return the packages that exist, or that others provide, of the output of apt-cache showpkg.

    Names that are only mentioned by others are listed there too, with neither.
    """
    known = set()
    name = section = ""
    for line in text.splitlines():
        key, colon, rest = line.partition(":")
        if key == "Package":
            name = rest.strip()
        elif colon and not line[:1].isspace() and not rest.strip():
            section = key.strip()
        elif line.strip() and section in {"Versions", "Reverse Provides"}:
            known.add(name)
    return known
