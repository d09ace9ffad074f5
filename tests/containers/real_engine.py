"""A Docker Engine of the tests' own, with a Debian that needs no registry."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from jupyter_xdisplay.containers import context, images
from jupyter_xdisplay.containers.build import Setup
from jupyter_xdisplay.errors import ImageMissing

REQUIRED_VARIABLE = "XDISPLAY_REQUIRE_DOCKER"
"""Set where these tests must run: in CI."""

RUNNING_VARIABLE = "XDISPLAY_TEST_ENGINE"
"""Set to the socket of an engine that runs already, as unix:///path: quick while developing."""

BASE = "debian:bookworm"
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
START_S = 60.0
PIP = (sys.executable, "-m", "pip")
SOURCES = ("xcffib",)
"""What comes without wheels, and compiles nothing."""

BINARY = tuple(name for name in context.SIDECAR_NEEDS if name not in SOURCES)


def missing() -> str | None:
    """Return why no engine can be started here; None where one can."""
    if os.environ.get(RUNNING_VARIABLE):
        return None
    if os.geteuid() != 0:
        return "only root can start an engine of its own"
    for program in ("dockerd", "debootstrap"):
        if shutil.which(program) is None:
            return f"{program} is not installed (scripts/setup.sh installs it)"
    return None


def containers_on(engine: docker.DockerClient, *, ended: bool = True) -> list[Container]:
    """Return an engine's containers, also while some of them are being removed."""
    return engine.containers.list(all=ended, ignore_removed=True)


@contextmanager
def stubborn(container: Container) -> Iterator[None]:
    """Let an engine fail to remove a container, as one does whose storage is in use."""
    file = Path(container.attrs["LogPath"]).with_name("kept")  # in the folder that is its own
    file.touch()
    done = subprocess.run(["chattr", "+i", file], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip("needs a file system with immutable files (chattr +i)")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", file], check=True)


def make_base(client: docker.DockerClient, system: Path) -> None:
    """Make the base image as debootstrap makes a Debian."""
    command = ["debootstrap", "--variant=minbase", SUITE, str(system), MIRROR]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with subprocess.Popen(["tar", "-C", str(system), "-c", "."], stdout=subprocess.PIPE) as tar:
        repository, _, tag = BASE.partition(":")
        client.api.import_image_from_data(tar.stdout, repository=repository, tag=tag)
    shutil.rmtree(system)


class RunningEngine:
    """An engine that others may use too: nothing of theirs is counted, removed or ended."""

    shared = True

    def __init__(self, url: str) -> None:
        self.socket = Path(url.removeprefix("unix://"))
        self.client = docker.DockerClient(url, timeout=600)

    def wait_until_up(self) -> None:
        """Fail if it does not answer."""
        self.client.ping()

    def import_base(self) -> None:
        """Make the base image, if it is not there."""
        try:
            self.client.images.get(BASE)
        except docker.errors.ImageNotFound:
            with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
                make_base(self.client, Path(folder) / "system")

    def end(self) -> None:
        """Let it go."""
        self.client.close()

    def restart(self) -> None:
        """Skip: it is not ours."""
        pytest.skip("an engine that others use is not restarted")


class Engine:
    """A dockerd with images, containers and sockets in one folder, which is removed at the end.

    Parameters
    ----------
    options
        More of its options.
    own_network
        Whether it is in a network namespace of its own, where it can have its bridge.
    disk_megabytes
        The size of its disk; None: as large as that of this machine.
    """

    shared = False

    def __init__(
        self, *options: str, disk_megabytes: int | None = None, own_network: bool = False
    ) -> None:
        self._options = options
        self._before = ["unshare", "--net"] if own_network else []
        self._bridge = [] if own_network else ["--bridge=none"]
        self._environment = dict(os.environ)  # as it is before a test changes it for itself
        self.folder = Path(tempfile.mkdtemp(prefix="xdt-docker-", dir="/var/tmp"))
        self.folder.chmod(0o711)  # users that are mapped come through
        self.socket = self.folder / "docker.sock"
        self.log = self.folder / "dockerd.log"
        self.data = self.folder / "data"
        self.data.mkdir()
        if disk_megabytes is not None:
            size = ["-o", f"size={disk_megabytes}m,mode=755"]
            subprocess.run(["mount", "-t", "tmpfs", *size, "tmpfs", self.data], check=True)
        self._process = self._spawn()
        self._client: docker.DockerClient | None = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [
                    *self._before,
                    "dockerd",
                    f"--host=unix://{self.socket}",
                    f"--data-root={self.data}",
                    f"--exec-root={self.folder / 'exec'}",
                    f"--pidfile={self.folder / 'dockerd.pid'}",
                    *self._bridge,
                    "--iptables=false",
                    "--ip6tables=false",
                    *self._options,
                ],
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

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
        """Make the base image."""
        make_base(self.client, self.folder / "system")

    def restart(self) -> None:
        """End it with all containers, and start it again."""
        self._stop()
        self._process = self._spawn()
        self.wait_until_up()

    def _stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def end(self) -> None:
        """End it with all containers."""
        if self._client is not None:
            self._client.close()
        self._stop()
        for mounted in sorted(self._mounts(), reverse=True):
            subprocess.run(["umount", "-l", mounted], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _mounts(self) -> list[str]:
        lines = Path("/proc/self/mounts").read_text().splitlines()
        return [line.split()[1] for line in lines if line.split()[1].startswith(str(self.folder))]


def start() -> Engine | RunningEngine:
    """Return an engine of the tests' own, or the one that `XDISPLAY_TEST_ENGINE` names."""
    url = os.environ.get(RUNNING_VARIABLE)
    return RunningEngine(url) if url else Engine()


@contextmanager
def engine_with_sidecar() -> Iterator[Image]:
    """Give an engine that DOCKER_HOST names, and the sidecar's image on it: for benchmarks."""
    engine = start()
    try:
        engine.wait_until_up()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", f"unix://{engine.socket}")
            try:
                yield images.find_sidecar(engine.client)
            except ImageMissing:
                engine.import_base()
                with tempfile.TemporaryDirectory() as folder:
                    yield build_sidecar(engine.client, Path(folder))
    finally:
        engine.end()


def build_sidecar(client: docker.DockerClient, wheels: Path) -> Image:
    """Build the sidecar's image on the base that needs no registry."""
    download_wheels(wheels)
    return images.build_sidecar(client, Setup(network="host", wheels=wheels), base=BASE)


def download_wheels(folder: Path) -> None:
    """Bring what the image installs from the index that this machine uses, for Debian's Python."""
    download(folder, *_as_here(*BINARY, *context.ALSO), dependencies=False)
    pure = ["--no-deps", "-w", str(folder), *_as_here(*SOURCES)]
    subprocess.run([*PIP, "wheel", "-q", *pure], check=True)


def download_kernel_wheels(folder: Path, *more: str) -> None:
    """Bring what a kernel's image installs, and what it needs, for Debian's Python."""
    download(folder, "pip", "matplotlib", "PySide6-Essentials", *context.KERNEL_NEEDS, *more)


def download(folder: Path, *wanted: str, dependencies: bool = True) -> None:
    """Bring wheels for Debian's Python."""
    options = ["--only-binary=:all:", "--python-version", "3.11", "-d", str(folder)]
    options += [] if dependencies else ["--no-deps"]
    subprocess.run([*PIP, "download", "-q", *options, *wanted], check=True)


def _as_here(*names: str) -> list[str]:
    return [f"{name}=={metadata.version(name)}" for name in names]


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
