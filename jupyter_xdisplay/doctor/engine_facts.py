"""What an engine says of itself (`docker info`, `docker version`), judged. Pure.

The fields are those of the Docker Engine API, SystemInfo and SystemVersion.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_xdisplay.containers.address import LOCAL_HOSTS
from jupyter_xdisplay.containers.engine_info import (
    LIMITS,
    is_podman,
    is_rootless,
    processors_of,
    security,
    too_many_processors,
)
from jupyter_xdisplay.containers.images import BUILD
from jupyter_xdisplay.doctor.check import Check, note, ok, problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_xdisplay.containers.address import Address

LEAST_API = (1, 32)
"""The first with `IpcMode` shareable (Docker 17.09; API version history)."""

NEWER_ENGINE = "install a newer engine: https://docs.docker.com/engine/install"

CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def api_version(version: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the engine's newest API as numbers; (0,) where it does not say."""
    return tuple(map(int, re.findall(r"\d+", str(version.get("ApiVersion", ""))))) or (0,)


def engine_check(info: Mapping[str, Any], version: Mapping[str, Any], address: Address) -> Check:
    """Return which engine it is; a problem where it is too old or runs no Linux containers."""
    name = "container engine"
    engine = "podman" if is_podman(version) else "Docker"
    how = ", rootless" if is_rootless(info) else ""
    detail = f"{engine} {version.get('Version', 'of unknown version')}{how}"
    detail += f", at {address} ({address.why})"
    api = api_version(version)
    if api < LEAST_API:
        spoken, least = (".".join(map(str, numbers)) for numbers in (api, LEAST_API))
        detail += f": speaks API {spoken}, and containers that share IPC need {least}"
        return problem(name, detail, NEWER_ENGINE)
    if info.get("OSType", "linux") != "linux":
        detail += f": runs {info['OSType']} containers"
        return problem(name, detail, "switch it to Linux containers")
    if address.is_remote:
        detail += ": on another machine; kernels in containers do not see this machine's folders"
        fix = "unset DOCKER_HOST; docker context use default   (where an engine runs here)"
        return note(name, detail, fix)
    return ok(name, detail)


def open_port_checks(info: Mapping[str, Any], url: str) -> list[Check]:
    """Return a problem where the engine warns that its port is open, whatever its address is."""
    warned = [text for text in info.get("Warnings") or [] if "API is accessible on" in text]
    if not warned or url.startswith(("tcp:", "http:")):  # then the address was judged
        return []
    address = re.search(r"https?://\S+", warned[0])
    place = address[0].rstrip(".") if address else "a TCP port"
    detail = f"the engine also listens on {place} unprotected: whoever reaches it can become root"
    fix = (
        "take tcp:// out of 'hosts' in /etc/docker/daemon.json and of dockerd's -H options, then "
        "sudo systemctl restart docker"
    )
    return [problem("engine socket", detail, fix)]


def limit_checks(info: Mapping[str, Any], wanted_processors: float = 0.0) -> list[Check]:
    """Return what the engine cannot limit; a field that is not there says nothing."""
    name = "container limits"
    missing = [text for key, text in LIMITS.items() if info.get(key) is False]
    if not missing:
        detail = "memory, processors and processes can be limited"
        too_many = too_many_processors(wanted_processors, processors_of(info))
        return [ok(name, "; ".join(filter(None, (detail, too_many))))]
    if is_rootless(info):
        fix = (
            "cgroup v2 with systemd, and the controllers delegated to users: "
            "https://rootlesscontaine.rs/getting-started/common/cgroup2"
        )
    else:
        fix = (
            "mount the cgroups of those controllers; for memory boot with cgroup_enable=memory "
            "(Debian, Raspberry Pi)"
        )
    detail = f"the engine cannot limit {' and '.join(missing)} (cgroup v"
    return [note(name, f"{detail}{info.get('CgroupVersion', '1')})", fix)]


def user_checks(info: Mapping[str, Any]) -> list[Check]:
    """Return what user namespaces do to files; nothing where there are none."""
    name = "user namespaces"
    if is_rootless(info):
        return [ok(name, "rootless: kernels and displays run as its root, which is this user")]
    if "userns" not in security(info):
        return []
    detail = (
        "userns-remap: kernels and displays run outside of it, as this user and without rights "
        "(--userns=host)"
    )
    return [ok(name, detail)]


def proxy_checks(info: Mapping[str, Any], variables: Mapping[str, str]) -> list[Check]:
    """Return what builds and pulls need where there are proxies; addresses are not shown.

    The engine pulls through its own proxy; apt and pip in a build through the one they are told.
    """
    name = "engine proxies"
    ours = _first(variables, "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
    engines = info.get("HttpsProxy") or info.get("HttpProxy")
    if not ours:
        return []
    build = f"{BUILD} --proxy URL"
    if urlsplit(ours).hostname in LOCAL_HOSTS:
        build += " --network host   (it is a proxy of this machine)"
    if engines:
        return [note(name, "pulls pass the engine's proxy; builds need to be told of it", build)]
    detail = "this environment has a proxy, the engine has none: pulls and builds do not pass it"
    pull = '"proxies" in /etc/docker/daemon.json: https://docs.docker.com/engine/daemon/proxy'
    return [note(name, detail, f"{build}; for pulls {pull}")]


def certificate_checks(variables: Mapping[str, str]) -> list[Check]:
    """Return that builds trust the image's certificates, not those that this environment names."""
    for variable in CERTIFICATE_VARIABLES:
        if path := variables.get(variable):
            detail = f"{variable} is set here; builds of images trust those of their base alone"
            return [note("certificates", detail, f"{BUILD} --ca-bundle {path}")]
    return []


def _first(variables: Mapping[str, str], *names: str) -> str:
    return next((variables[name] for name in names if variables.get(name)), "")
