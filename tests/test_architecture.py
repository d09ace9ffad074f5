"""The layout is the architecture: who may know whom, and how large a module may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jupyter_xdisplay

PACKAGE = Path(jupyter_xdisplay.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 350

BASE = {"spec", "errors"}
SHARED = BASE | {
    "paths",
    "latest",
    "unix_http",
    "json_handler",
    "recording",
    "png",
    "kernel_protocol",
    "multiplexer",
}
"""Top-level modules that hold values and small mechanisms, and know no part."""

KNOWS = {
    "spec": {"errors", "json_values"},
    "json_values": {"errors"},
    "errors": set(),
    "kernel_protocol": set(),
    "paths": {"errors"},
    "latest": set(),
    "unix_http": {"errors"},
    "json_handler": BASE,
    "recording": {"errors"},
    "png": set(),
    "multiplexer": set(),
    "rfb": {"errors"},
    "xserver": BASE,
    "x11": BASE,
    "gpu": BASE,
    "sidecar": SHARED | {"xserver", "x11", "rfb", "gpu"},
    "containers": BASE,
    "runtime": SHARED | {"sidecar", "containers"},
    "server": SHARED | {"sidecar", "runtime", "containers"},
    "provisioner": SHARED | {"containers", "runtime", "server"},
    "kernel": SHARED | {"rfb"},
}
"""Part → the parts that any of its modules may import."""

EXCEPTIONS = {
    # the manager inside a kernel
    "kernel.local_host": {"runtime.manager", "runtime.local"},
    # %xdisplay doctor
    "kernel.magics": {"doctor"},
}
SIDECAR_FOR_KERNELS = {"sidecar.client", "sidecar.rfb_viewer"}
"""What a kernel knows of the sidecar: its socket, and the pictures that come through it."""

PURE = {"rfb", "xserver", "gpu", "spec", "errors"}
IMPURE = {"asyncio", "subprocess", "socket", "threading", "tornado", "xcffib", "time", "shutil"}


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _part(path: Path) -> str:
    return _name(path).partition(".")[0]


def _imports(path: Path) -> Iterator[str]:
    """Yield every imported module, wherever it is imported."""
    here = ["jupyter_xdisplay", *_name(path).split(".")]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = ".".join([*here[: -node.level], module])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _ours(path: Path) -> set[str]:
    """Return the modules of this package that a module imports, without the package's name."""
    modules = {_name(module) for module in MODULES}
    return {
        name.removeprefix("jupyter_xdisplay.")
        for name in _imports(path)
        if name.removeprefix("jupyter_xdisplay.") in modules and name != "jupyter_xdisplay"
    }


@pytest.mark.parametrize("path", [p for p in MODULES if _part(p) in KNOWS], ids=_name)
def test_a_module_knows_only_the_parts_below_it(path: Path) -> None:
    """The directions of the design hold, for imports inside functions too."""
    name, part = _name(path), _part(path)
    allowed = KNOWS[part] | {part}
    wrong = {
        other
        for other in _ours(path)
        if other.partition(".")[0] not in allowed
        and other not in EXCEPTIONS.get(name, set())
        and not any(known.startswith(f"{other}.") for known in EXCEPTIONS.get(name, set()))
        and not (part == "kernel" and other in SIDECAR_FOR_KERNELS | {"sidecar"})
    }
    assert not wrong


def test_every_part_is_known_here() -> None:
    """A new part gets its place in the order, or stands above all of them."""
    above = {"", "cli", "doctor", "setup", "provisioner"}
    assert {_part(path) for path in MODULES} <= set(KNOWS) | above


def test_nothing_below_knows_what_stands_above() -> None:
    """The command line and the doctor are used by nobody, but for the magics that show it."""
    for path in MODULES:
        if _part(path) in set(KNOWS) - {"kernel"}:
            assert not {name.partition(".")[0] for name in _ours(path)} & {"cli", "doctor", "setup"}


@pytest.mark.parametrize("path", [p for p in MODULES if _part(p) in PURE], ids=_name)
def test_pure_parts_run_nothing(path: Path) -> None:
    """Facts to values: no processes, sockets, threads or clocks."""
    assert not {name.partition(".")[0] for name in _imports(path)} & IMPURE


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_modules_are_small(path: Path) -> None:
    """A module that outgrows a few screens has more than one job."""
    assert len(path.read_text().splitlines()) <= MAX_LINES


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import jupyter_xdisplay` costs a kernel nothing until it is used."""
    code = (
        "import sys; before = set(sys.modules); import jupyter_xdisplay;"
        "print(*set(sys.modules) - before)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    heavy = {"tornado", "asyncio", "xcffib", "PIL", "traitlets", "IPython", "jupyter_server"}
    assert not {name.partition(".")[0] for name in loaded} & heavy
    assert len([name for name in loaded if name.startswith("jupyter_xdisplay")]) == 1


def test_settings_have_help() -> None:
    """Every configurable trait says what it is, in a sentence."""
    from jupyter_xdisplay.runtime.base import ConfiguredRuntime
    from jupyter_xdisplay.runtime.docker import DockerRuntime
    from jupyter_xdisplay.runtime.local import LocalRuntime
    from jupyter_xdisplay.runtime.manager import DisplayManager
    from jupyter_xdisplay.server.app import XDisplayApp

    found = 0
    for kind in (ConfiguredRuntime, LocalRuntime, DockerRuntime, DisplayManager, XDisplayApp):
        for name, trait in kind.class_own_traits(config=True).items():
            found += 1
            assert len(trait.help) > 10, f"{kind.__name__}.{name} has no help"
            assert trait.help.endswith("."), f"{kind.__name__}.{name}: a sentence ends in a dot"
    assert found >= 14
