"""The connection to a container engine: Docker's, or another one that speaks its API (podman)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from jupyter_xdisplay.containers.address import Address, find_address
from jupyter_xdisplay.containers.engine_info import is_podman
from jupyter_xdisplay.errors import EngineUnreachable, ProgramMissing

if TYPE_CHECKING:
    from pathlib import Path

    import docker

TIMEOUT_S = 60
INSTALL = 'pip install "jupyter-xdisplay[containers]"'
SSH = "ssh://"
NO_SPACE = "no space left"


def connect(timeout_s: int = TIMEOUT_S) -> docker.DockerClient:
    """Return a client of the engine that `find_address` finds.

    Raises
    ------
    ProgramMissing
        When the Docker SDK for Python is not installed.
    EngineUnreachable
        When no engine answers there, or this user may not use it.
    """
    try:
        import docker
    except ImportError as error:
        raise ProgramMissing("The Docker SDK for Python is not installed.", fix=INSTALL) from error
    address = find_address()
    if address.url.startswith(SSH):
        raise _no_ssh(address)
    client: docker.DockerClient | None = None
    try:
        client = _client(address, timeout_s)
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        if client is not None:
            client.close()
        raise explain(error, address) from error
    return client


def may_be_there() -> bool:
    """Tell whether it makes sense to ask for an engine: one is named, or has its socket here."""
    try:
        address = find_address()
    except EngineUnreachable:
        return True  # it is said when it is asked for
    return address.named or (address.socket is not None and address.socket.exists())


@contextmanager
def reachable() -> Iterator[None]:
    """Turn a lost connection to the engine into what it means.

    Raises
    ------
    EngineUnreachable
        When the engine does not answer; what it answers passes as it is.
    """
    import requests

    try:
        yield
    except (requests.ConnectionError, requests.Timeout) as error:
        raise explain(error) from error


def explain(error: Exception, address: Address | None = None) -> EngineUnreachable:
    """Return what a failure to reach the engine means, and what mends it."""
    if address is None:
        try:
            address = find_address()
        except EngineUnreachable as unknown:
            return unknown
    if address.socket is not None and (known := _explain_socket(address.socket)):
        return known
    log = [line for line in str(error).splitlines() if line.strip()][-3:]
    where = f"The container engine at {address} (by {address.why})"
    if address.tls is not None:
        return EngineUnreachable(
            f"{where} does not answer with TLS and the certificates of {address.tls.folder}.",
            fix="docker version   (it says more); ca.pem, cert.pem and key.pem have to be there "
            "and to be the engine's: https://docs.docker.com/engine/security/protect-access",
            log=log,
        )
    fix = "docker version   (it says more; is its service running?)"
    if "HTTP request to an HTTPS server" in str(error):
        fix = "export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=FOLDER   (with its certificates)"
    return EngineUnreachable(f"{where} does not answer.", fix=fix, log=log)


def _explain_socket(path: Path) -> EngineUnreachable | None:
    with suppress(OSError):
        if not path.exists():
            return EngineUnreachable(
                f"No container engine runs here: there is no socket {path}.",
                fix="sudo systemctl start docker   (podman: systemctl --user start podman.socket)",
            )
    if not os.access(path, os.R_OK | os.W_OK):
        return EngineUnreachable(
            f"This user may not use the container engine: {path} is not open to it.",
            fix="sudo usermod -aG docker $USER, then log in again. Whoever is in that group "
            "can become root; a rootless engine needs no group: "
            "https://docs.docker.com/engine/security/rootless",
        )
    return None


def _no_ssh(address: Address) -> EngineUnreachable:
    """Return why not: the SDK's streams over ssh cannot be waited for, nor closed in one way."""
    host = address.url.removeprefix(SSH).partition("/")[0]
    name, colon, port = host.rpartition(":")
    to = f"-p {port} {name}" if colon and port.isdecimal() else host
    return EngineUnreachable(
        f"An engine is reached through a socket, and {address.why} names {SSH}{host}.",
        fix=f"let ssh bring its socket here: ssh -nNT -L $HOME/engine.sock:/var/run/docker.sock "
        f"{to} &   then: export DOCKER_HOST=unix://$HOME/engine.sock   (before Jupyter starts)",
    )


def _client(address: Address, timeout_s: int) -> docker.DockerClient:
    import docker

    tls = address.tls
    if tls is None:
        return docker.DockerClient(base_url=address.url, timeout=timeout_s)
    from jupyter_xdisplay.containers.tls_client import TlsClient

    certificate, key = tls.file("cert"), tls.file("key")
    config = docker.tls.TLSConfig(
        client_cert=(certificate, key) if certificate and key else None,
        ca_cert=tls.file("ca"),
        verify=tls.verify,
    )
    return TlsClient(base_url=address.url, timeout=timeout_s, tls=config)


def program_of(client: docker.DockerClient) -> str:
    """Return the command that people use this engine by: `docker` or `podman`."""
    import docker
    import requests

    with suppress(docker.errors.DockerException, requests.RequestException):
        return program(podman=is_podman(client.version()))
    return program(podman=False)


def program(*, podman: bool) -> str:
    """Return the command of an engine."""
    return "podman" if podman else "docker"


def is_full(text: str) -> bool:
    """Tell from what an engine says whether its disk is full."""
    return NO_SPACE in text.lower()


def disk_full(program: str = "docker") -> str:
    """Return what mends that an engine's disk is full."""
    return f"{program} system df; {program} image prune   (the engine's disk is full)"
