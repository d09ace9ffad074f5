"""A container that somebody else started, joined by the pod of a display for its programs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay.containers.engine import program_of
from jupyter_xdisplay.errors import StartFailed, UsageError
from jupyter_xdisplay.runtime.exec_stream import output_of

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container, ExecResult

COOKIE_VARIABLE = "XDISPLAY_COOKIE"
PLACE = f"""
set -e
umask 077
mkdir "$0"
printf "${COOKIE_VARIABLE}" > "$0/Xauthority"
"""
_OWN = re.compile(r"/(?:overlay-)?containers/([0-9a-f]{64})/")
NO_SHM = ("-extension", "MIT-SHM")


@dataclass(frozen=True)
class Joined:
    """What is shared with it.

    Parameters
    ----------
    container
        The container.
    user
        User and group, as numbers, that its programs run as.
    userns_mode
        Its user namespace, as the engine calls it: empty, or `host`.
    shares_pids
        Whether its PID namespace can be joined: what X tells of its clients are its pids then.
    why_no_shm
        Why MIT-SHM is off; None where it works.
    """

    container: Container
    user: str
    userns_mode: str
    shares_pids: bool
    why_no_shm: str | None

    @property
    def mode(self) -> str:
        """What the engine calls its namespaces."""
        return f"container:{self.container.id}"

    @property
    def place(self) -> str:
        """Where the display runs, in words."""
        words = f"docker: a sidecar in the network of container {self.container.name}"
        return f"{words}; MIT-SHM is off: {self.why_no_shm}" if self.why_no_shm else words

    def give_cookie(self, directory: str, xauthority: bytes) -> None:
        """Write the cookie where its programs read it.

        Raises
        ------
        StartFailed
            When that cannot be done.
        """
        octal = "".join(f"\\{byte:03o}" for byte in xauthority)
        done = self.container.exec_run(
            ["sh", "-c", PLACE, directory], user=self.user, environment={COOKIE_VARIABLE: octal}
        )
        if done.exit_code:
            raise StartFailed(
                f"The cookie of the display could not be written to {directory} in container "
                f"{self.container.name}.",
                fix="its user needs a shell and a /tmp that it can write",
                log=output_of(done).decode("utf-8", "replace").splitlines()[-3:],
            )

    def run(self, script: str, *arguments: str) -> ExecResult:
        """Run a script in it, as its user; its arguments are $1, …."""
        return self.container.exec_run(["sh", "-c", script, "sh", *arguments], user=self.user)

    def take_cookie(self, directory: str) -> None:
        """Remove the cookie."""
        self.container.exec_run(["rm", "-rf", directory], user=self.user)


def join(engine: docker.DockerClient, name: str, own: str | None = None) -> Joined:
    """Look at a container that is to be joined.

    Parameters
    ----------
    engine
        Where it runs.
    name
        Its name or id.
    own
        The id of the container that this process runs in, if it does: there the programs are this
        process's, which need not be the container's user any more.

    Raises
    ------
    UsageError
        When it is not there, or does not run.
    StartFailed
        When it has no shell, or the user of its programs cannot be told.
    """
    import docker

    try:
        container = engine.containers.get(name)
    except docker.errors.NotFound as error:
        raise UsageError(
            f"There is no container {name!r} on this engine.",
            fix=f"{program_of(engine)} ps lists them",
        ) from error
    if container.status != "running":
        raise UsageError(
            f"The container {name} does not run: it is {container.status}.",
            fix=f"{program_of(engine)} start {name}",
        )
    settings = container.attrs["HostConfig"]
    return Joined(
        container,
        f"{os.getuid()}:{os.getgid()}" if container.id == own else _user(container),
        settings.get("UsernsMode", ""),
        shares_pids=settings.get("PidMode", "") in {"", "private"},  # as Docker and podman say it
        why_no_shm=_why_no_shm(settings.get("IpcMode", "")),
    )


def own_container(mounts: str | None = None) -> str | None:
    """Return the id of the container that this process runs in, None where that is none.

    Docker mounts /etc/hostname and others from a folder of the container's name (proc(5),
    mountinfo); in the cgroup files it is hidden by cgroup namespaces.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text()
        except OSError:
            return None
    for line in mounts.splitlines():
        found = _OWN.search(line)
        if found is not None and " /etc/" in line:
            return found[1]
    return None


def _why_no_shm(ipc_mode: str) -> str | None:
    if ipc_mode == "shareable":
        return None
    return (
        f"its IPC namespace is {ipc_mode or 'private'}, not shareable (docker run --ipc=shareable)"
    )


def _user(container: Container) -> str:
    done = container.exec_run(["sh", "-c", "echo $(id -u):$(id -g)"])
    user = output_of(done).decode("utf-8", "replace").strip()
    if done.exit_code or re.fullmatch(r"\d+:\d+", user) is None:
        raise StartFailed(
            f"The container {container.name} has no shell that tells its user.",
            fix="a container with sh and id",
            log=user.splitlines()[-3:],
        )
    return user
