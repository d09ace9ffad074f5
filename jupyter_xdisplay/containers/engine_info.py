"""What an engine says of itself that decides how our containers are made.

The fields are those of the Docker Engine API, SystemInfo and SystemVersion.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import docker

LIMITS = {"MemoryLimit": "memory", "CpuCfsQuota": "processors", "PidsLimit": "processes"}
"""What tells that an engine can limit something; a field that is not there says nothing."""

CONTROLLERS = {"MemoryLimit": "memory", "CpuCfsQuota": "cpu", "PidsLimit": "pids"}
"""The same as the names of control groups (cgroups(7))."""

PODMANS_OWN = "/v4.0.0/libpod/info"


@dataclass(frozen=True)
class EngineInfo:
    """What decides how containers are made.

    Parameters
    ----------
    podman
        Whether it is podman that speaks Docker's API.
    rootless
        Whether it runs as an ordinary user, who is root in its containers.
    remaps_users
        Whether users of its containers are others outside (dockerd's `userns-remap`).
    unlimited
        What it cannot limit, as in the values of `LIMITS`.
    processors
        How many its machine has; None where it does not say.
    selinux
        Whether it confines its containers by SELinux: they may read nothing of this machine then.
    """

    podman: bool = False
    rootless: bool = False
    remaps_users: bool = False
    unlimited: frozenset[str] = frozenset()
    processors: int | None = None
    selinux: bool = False

    @classmethod
    def from_json(cls, info: Mapping[str, Any], version: Mapping[str, Any]) -> EngineInfo:
        """Read what `system_info` and the engine's version say."""
        return cls(
            podman=is_podman(version),
            rootless=is_rootless(info),
            remaps_users="userns" in security(info) and not is_rootless(info),
            unlimited=frozenset(text for key, text in LIMITS.items() if info.get(key) is False),
            processors=processors_of(info),
            selinux="selinux" in security(info),
        )

    def nano_cpus(self, wanted: float) -> int:
        """Return a limit of processors as engines take it: never more than there are."""
        return int(min(wanted, self.processors or wanted) * 1e9)

    @property
    def user(self) -> str:
        """User and group, as numbers, that our containers run as: so files are this user's."""
        return "0:0" if self.rootless else f"{os.getuid()}:{os.getgid()}"

    @property
    def userns_mode(self) -> str | None:
        """The user namespace of our containers: where users are mapped, the machine's own."""
        return "host" if self.remaps_users else None

    def is_us(self, user: str, userns_mode: str) -> bool:
        """Tell whether a user of somebody's container is the user of this process."""
        if userns_mode == "host":
            return user == self.user
        return user == self.user and not userns_mode and not self.remaps_users


def read_engine(client: docker.DockerClient) -> EngineInfo:
    """Ask an engine."""
    version = client.version()
    return EngineInfo.from_json(system_info(client, version), version)


def system_info(client: docker.DockerClient, version: Mapping[str, Any]) -> dict[str, Any]:
    """Return SystemInfo. What podman says of itself in its own API alone is there too."""
    info: dict[str, Any] = client.info()
    if not is_podman(version):
        return info
    import requests

    with suppress(requests.RequestException, ValueError, LookupError, TypeError):
        answer = client.api.get(f"{client.api.base_url}{PODMANS_OWN}", timeout=client.api.timeout)
        host = answer.json()["host"]
        if host["security"]["rootless"] and not is_rootless(info):
            info["SecurityOptions"] = [*(info.get("SecurityOptions") or []), "name=rootless"]
        if host["security"].get("selinuxEnabled") and "selinux" not in security(info):
            info["SecurityOptions"] = [*(info.get("SecurityOptions") or []), "name=selinux"]
        if host["security"]["rootless"]:  # the rest is said of the machine, not of this user
            info |= {
                key: name in (host["cgroupControllers"] or []) for key, name in CONTROLLERS.items()
            }
    return info


def processors_of(info: Mapping[str, Any]) -> int | None:
    """Return how many processors an engine's machine has; None where it does not say."""
    number = info.get("NCPU")
    return number if isinstance(number, int) and number > 0 else None


def too_many_processors(wanted: float, processors: int | None) -> str | None:
    """Return what there is to say where a limit is above what the machine has, else None.

    Docker refuses a container with such a limit, so that the machine's number is taken then.
    """
    if processors is None or wanted <= processors:
        return None
    has = f"{processors} processor" + ("s" if processors > 1 else "")
    return f"the limit of {wanted:g} processors is not reached: the engine's machine has {has}"


def is_podman(version: Mapping[str, Any]) -> bool:
    """Tell from an engine's version whether it is podman that speaks Docker's API."""
    components = version.get("Components") or []
    return any("podman" in str(part.get("Name", "")).lower() for part in components)


def is_rootless(info: Mapping[str, Any]) -> bool:
    """Whether the engine runs without root."""
    return "rootless" in security(info)


def security(info: Mapping[str, Any]) -> set[str]:
    """Return `rootless` for `name=rootless` or for `name=rootless,…`."""
    options = info.get("SecurityOptions") or []
    return {str(text).partition(",")[0].removeprefix("name=") for text in options}
