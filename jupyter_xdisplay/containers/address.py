"""Which container engine is used: one rule, the same for all versions of the Docker SDK.

What is named counts, and nothing else is tried then: `DOCKER_HOST`, else the context of the
`docker` command (`DOCKER_CONTEXT`, or what `docker context use` chose). Where nothing is named,
the first socket here that this user may use. The SDK knows contexts from 7.2 on, and no rootless
sockets; so it is told the address.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_xdisplay.errors import EngineUnreachable

DEFAULT_SOCKET = "/var/run/docker.sock"
PODMAN_SOCKET = "/run/podman/podman.sock"
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
DEFAULT_CONTEXT = "default"


@dataclass(frozen=True)
class Tls:
    """Certificates for an engine's port: ca.pem, cert.pem and key.pem of a folder."""

    folder: Path
    verify: bool = True

    def file(self, name: str) -> str | None:
        """Return a file's path, None where it is not there."""
        path = self.folder / f"{name}.pem"
        return str(path) if path.exists() else None


@dataclass(frozen=True)
class Address:
    """Where the engine is.

    Parameters
    ----------
    url
        `unix:///path`, `tcp://host:port` or `ssh://user@host`.
    why
        What chose it, in words: `DOCKER_HOST`, for one.
    named
        Whether somebody named it; else it is the first that was found.
    tls
        Certificates, where it is to be reached with TLS.
    """

    url: str
    why: str
    named: bool = True
    tls: Tls | None = None

    @property
    def socket(self) -> Path | None:
        """Its socket file, None where it has none."""
        scheme, _, path = self.url.partition("://")
        return Path("/" + path.lstrip("/")) if scheme == "unix" else None

    @property
    def is_remote(self) -> bool:
        """Whether it is, by its name, on another machine."""
        host = urlsplit(self.url).hostname
        if self.socket is not None or host is None:
            return False
        return host not in LOCAL_HOSTS and not host.startswith("127.")

    def __str__(self) -> str:
        """Return the address without a password."""
        scheme, found, rest = self.url.partition("://")
        return scheme + found + (rest if scheme == "unix" else rest.rpartition("@")[2])


def find_address(variables: Mapping[str, str] | None = None) -> Address:
    """Return which engine is used.

    Raises
    ------
    EngineUnreachable
        When a context is named that cannot be read.
    """
    variables = os.environ if variables is None else variables
    if host := variables.get("DOCKER_HOST"):
        return Address(host, "DOCKER_HOST", tls=_tls(variables))
    if named := _context(variables):
        return named
    for path in usable_sockets(variables):
        return Address(f"unix://{path}", "the first socket that this user may use", named=False)
    return Address(f"unix://{DEFAULT_SOCKET}", "its usual place", named=False)


def usable_sockets(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the engines' usual sockets that this user may use: Docker's, rootless, podman's."""
    session = variables.get("XDG_RUNTIME_DIR")
    own = (f"{session}/docker.sock", f"{session}/podman/podman.sock") if session else ()
    for path in (DEFAULT_SOCKET, *own, PODMAN_SOCKET):
        if os.access(path, os.R_OK | os.W_OK):
            yield path


def _tls(variables: Mapping[str, str]) -> Tls | None:
    """Read what `docker` reads, as the SDK does: an empty DOCKER_TLS_VERIFY is none."""
    verify = bool(variables.get("DOCKER_TLS_VERIFY"))
    folder = variables.get("DOCKER_CERT_PATH")
    if not verify and not folder:
        return None
    return Tls(Path(folder) if folder else _configuration(variables), verify)


def _configuration(variables: Mapping[str, str]) -> Path:
    folder = variables.get("DOCKER_CONFIG")
    return Path(folder) if folder else Path(variables.get("HOME", "~")).expanduser() / ".docker"


def _context(variables: Mapping[str, str]) -> Address | None:
    """Read the current context of the `docker` command; None for its default.

    Its files are: config.json; contexts/meta/ID/meta.json and contexts/tls/ID/docker/*.pem, where
    ID is the SHA-256 of its name (github.com/docker/cli, cli/context/store).
    """
    configuration = _configuration(variables)
    name, why = variables.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
    if not name:
        with suppress(OSError, ValueError, AttributeError):
            name = json.loads((configuration / "config.json").read_bytes()).get("currentContext")
        why = f"docker context use {name}"
    if not name or name == DEFAULT_CONTEXT:
        return None
    number = hashlib.sha256(name.encode()).hexdigest()
    try:
        path = configuration / "contexts" / "meta" / number / "meta.json"
        endpoint: dict[str, Any] = json.loads(path.read_bytes())["Endpoints"]["docker"]
        url = str(endpoint["Host"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise EngineUnreachable(
            f"The Docker context {name!r} ({why}) cannot be read: {error}",
            fix="docker context ls shows those that are there; docker context use default",
        ) from error
    folder = configuration / "contexts" / "tls" / number / "docker"
    verify = not endpoint.get("SkipTLSVerify")
    tls = Tls(folder, verify) if folder.is_dir() else None
    return Address(url, f"the Docker context {name}", tls=tls)
