"""NVIDIA GPUs for containers: the toolkit, its version, and what the engine knows of it."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.containers.engine_info import is_podman, is_rootless
from jupyter_xdisplay.containers.nvidia import GENERATE, INSTALL, configure
from jupyter_xdisplay.doctor.check import Check, note, ok
from jupyter_xdisplay.doctor.engine_facts import api_version
from jupyter_xdisplay.doctor.process import run_program

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAME = "container GPUs"
KIND = "nvidia.com/gpu"
DEVICE = Path("/dev/nvidiactl")
CONFIGURATION = Path("/etc/nvidia-container-runtime/config.toml")
CDI_FOLDERS = ("/etc/cdi", "/var/run/cdi")

MOUNTS_XORG = (1, 13)
"""The first toolkit that mounts nvidia_drv.so and libglxserver_nvidia.so, which Xorg loads."""

GPU_API = (1, 40)
"""The first API with `DeviceRequests` (Docker 19.03)."""

DRAWING = ("graphics", "display")

_VERSION_ARGUMENTS = (("nvidia-ctk", "--version"), ("nvidia-container-cli", "--version"))
_CAPABILITIES = re.compile(r'^\s*supported-driver-capabilities\s*=\s*"([^"]*)"', re.MULTILINE)
_LONGEST_FILE = 1 << 20


@dataclass(frozen=True)
class GpuFacts:
    """What is known of this machine's NVIDIA GPUs and of its engine.

    Parameters
    ----------
    present
        Whether there are any.
    toolkit
        The version of nvidia-container-toolkit; empty where it is not installed.
    capabilities
        What the toolkit may give to containers; `all` or nothing in it: everything.
    runtime, cdi
        Whether the engine knows the runtime `nvidia`, and CDI devices.
    """

    present: bool = True
    toolkit: str = ""
    capabilities: tuple[str, ...] = ()
    runtime: bool = False
    cdi: bool = False
    podman: bool = False
    rootless: bool = False
    api: tuple[int, ...] = GPU_API


def gpu_checks(info: Mapping[str, Any], version: Mapping[str, Any]) -> list[Check]:
    """Gather the facts and judge them; nothing where this machine has no NVIDIA GPU."""
    if not DEVICE.exists() and shutil.which("nvidia-smi") is None:
        return []
    podman = is_podman(version)
    folders = info.get("CDISpecDirs") or (CDI_FOLDERS if podman else ())
    facts = GpuFacts(
        toolkit=_toolkit(),
        capabilities=_capabilities(),
        runtime="nvidia" in (info.get("Runtimes") or {}),
        cdi=_engine_lists_gpus(info) or _describes_gpus(folders),
        podman=podman,
        rootless=is_rootless(info),
        api=api_version(version),
    )
    return judge(facts)


def judge(facts: GpuFacts) -> list[Check]:
    """Return the findings; GPUs in containers are optional, so none is a problem."""
    if not facts.present:
        return []
    if facts.podman:
        return [_judge_podman(facts)]
    if facts.api < GPU_API:
        return [note(NAME, "this engine is too old to give GPUs", "Docker 19.03 or later")]
    mend = configure(podman=False, rootless=facts.rootless)
    ways = [
        text
        for known, text in ((facts.runtime, "the runtime nvidia"), (facts.cdi, "CDI devices"))
        if known
    ]
    if not ways and not facts.toolkit:
        detail = "GPUs are here, nvidia-container-toolkit is not: containers get none"
        return [note(NAME, detail, f"{INSTALL}, then {mend}")]
    if not ways:
        detail = f"nvidia-container-toolkit {facts.toolkit} is here, the engine does not know it"
        return [note(NAME, detail, mend)]
    detail = f"the engine has {' and '.join(ways)}"
    if facts.toolkit:
        detail += f", nvidia-container-toolkit {facts.toolkit}"
    return _limits(facts) or [ok(NAME, detail)]


def _judge_podman(facts: GpuFacts) -> Check:
    """Return the finding for podman, which knows GPUs as CDI devices alone."""
    if facts.cdi:
        return ok(NAME, f"podman has CDI devices, nvidia-container-toolkit {facts.toolkit or '?'}")
    if not facts.toolkit:
        detail = "GPUs are here, nvidia-container-toolkit is not: containers get none"
        return note(NAME, detail, f"{INSTALL}, then {GENERATE}")
    detail = f"nvidia-container-toolkit {facts.toolkit} is here, CDI devices are not described"
    return note(NAME, detail, GENERATE)


def _limits(facts: GpuFacts) -> list[Check]:
    """Return what an engine that gives GPUs does not give with them."""
    found = []
    if facts.toolkit and _numbers(facts.toolkit) < MOUNTS_XORG:
        detail = (
            f"nvidia-container-toolkit {facts.toolkit} does not bring the driver's files for Xorg "
            "(1.13 does): images need the driver's own, of the same version"
        )
        found.append(note(NAME, detail, INSTALL))
    lacking = [name for name in DRAWING if name not in facts.capabilities]
    if facts.capabilities and "all" not in facts.capabilities and lacking:
        detail = f"the toolkit withholds {' and '.join(lacking)}: containers draw without the GPU"
        fix = f"add them to supported-driver-capabilities in {CONFIGURATION}"
        found.append(note(NAME, detail, fix))
    return found


def parse_version(text: str) -> str:
    """Return the first version in what a program says of itself; empty where there is none."""
    found = re.search(r"\d+\.\d+(\.\d+)?", text)
    return found[0] if found else ""


def parse_capabilities(text: str) -> tuple[str, ...]:
    """Return what the toolkit's configuration allows; empty where it says nothing."""
    found = _CAPABILITIES.search(text)
    return tuple(filter(None, map(str.strip, found[1].split(",")))) if found else ()


def _toolkit() -> str:
    for program, argument in _VERSION_ARGUMENTS:
        if path := shutil.which(program):
            result = run_program([path, argument], timeout_s=5.0)
            if version := parse_version(result.output + result.errors):
                return version
    return ""


def _capabilities() -> tuple[str, ...]:
    with suppress(OSError):
        return parse_capabilities(CONFIGURATION.read_text(errors="replace"))
    return ()


def _engine_lists_gpus(info: Mapping[str, Any]) -> bool:
    """Whether the engine names devices itself (API 1.50)."""
    devices = info.get("DiscoveredDevices") or []
    return any(str(device.get("ID", "")).startswith(KIND) for device in devices)


def _describes_gpus(folders: Iterable[str]) -> bool:
    """Whether a file of the Container Device Interface describes NVIDIA's GPUs."""
    for folder in map(Path, folders):
        with suppress(OSError):
            files = [path for path in folder.iterdir() if path.suffix in {".yaml", ".json"}]
            small = [path for path in files if path.stat().st_size < _LONGEST_FILE]
            if any(KIND in path.read_text(errors="replace") for path in small):
                return True
    return False


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
