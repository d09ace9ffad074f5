"""A Docker Engine of the tests' own, with a Debian that needs no registry."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import docker
import pytest

from jupyter_xdisplay.containers import context

REQUIRED_VARIABLE = "XDISPLAY_REQUIRE_DOCKER"
"""Set where these tests must run: in CI."""

BASE = "debian:bookworm"
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
START_S = 60.0
SOURCES = ("xcffib",)
"""What comes without wheels, and compiles nothing."""

BINARY = tuple(name for name in context.SIDECAR_NEEDS if name not in SOURCES)


def missing() -> str | None:
    """Return why no engine can be started here; None where one can."""
    if os.geteuid() != 0:
        return "only root can start an engine of its own"
    for program in ("dockerd", "debootstrap"):
        if shutil.which(program) is None:
            return f"{program} is not installed (scripts/setup.sh installs it)"
    return None


class Engine:
    """A dockerd with images, containers and sockets in one folder, which is removed at the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="xdt-docker-", dir="/var/tmp"))
        self.socket = self.folder / "docker.sock"
        self.log = self.folder / "dockerd.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    f"--host=unix://{self.socket}",
                    f"--data-root={self.folder / 'data'}",
                    f"--exec-root={self.folder / 'exec'}",
                    f"--pidfile={self.folder / 'dockerd.pid'}",
                    "--bridge=none",
                    "--iptables=false",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._client: docker.DockerClient | None = None

    @property
    def client(self) -> docker.DockerClient:
        """Its client."""
        if self._client is None:
            self._client = docker.DockerClient(f"unix://{self.socket}", timeout=600)
        return self._client

    def wait_until_up(self) -> None:
        """Wait until it answers."""
        end = time.monotonic() + START_S
        while True:
            try:
                self.client.ping()
            except (docker.errors.DockerException, OSError):
                if self._process.poll() is not None or time.monotonic() > end:
                    tail = self.log.read_text(errors="replace").splitlines()[-15:]
                    give_up("dockerd did not start here:\n" + "\n".join(tail))
                time.sleep(0.2)
            else:
                return

    def import_base(self) -> None:
        """Make the base image as debootstrap makes a Debian."""
        system = self.folder / "system"
        command = ["debootstrap", "--variant=minbase", SUITE, str(system), MIRROR]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with subprocess.Popen(["tar", "-C", str(system), "-c", "."], stdout=subprocess.PIPE) as tar:
            repository, _, tag = BASE.partition(":")
            self.client.api.import_image_from_data(tar.stdout, repository=repository, tag=tag)
        shutil.rmtree(system)

    def end(self) -> None:
        """End it with all containers."""
        if self._client is not None:
            self._client.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for mounted in sorted(self._mounts(), reverse=True):
            subprocess.run(["umount", "-l", mounted], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _mounts(self) -> list[str]:
        lines = Path("/proc/self/mounts").read_text().splitlines()
        return [line.split()[1] for line in lines if line.split()[1].startswith(str(self.folder))]


def download_wheels(folder: Path) -> None:
    """Bring what the image installs from the index that this machine uses, for Debian's Python."""
    pip = [sys.executable, "-m", "pip"]
    binary = [f"{name}=={metadata.version(name)}" for name in (*BINARY, *context.ALSO)]
    wanted = ["--only-binary=:all:", "--python-version", "3.11", "--no-deps", *binary]
    subprocess.run([*pip, "download", "-q", "-d", str(folder), *wanted], check=True)
    pure = [f"{name}=={metadata.version(name)}" for name in SOURCES]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", str(folder), *pure], check=True)


def require() -> None:
    """Skip where no engine can be started; fail where one must."""
    why = missing()
    if why is not None:
        give_up(why)


def give_up(why: str) -> NoReturn:
    """Skip, or fail where an engine is required."""
    if os.environ.get(REQUIRED_VARIABLE):
        pytest.fail(f"A container engine is required here: {why}")
    pytest.skip(f"NO TESTS OF CONTAINERS: {why}")
