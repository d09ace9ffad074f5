"""What failed builds mean, and what the installer inside them knows."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from jupyter_xdisplay.containers import context, kernel_install
from jupyter_xdisplay.containers.build import Failure
from jupyter_xdisplay.containers.kernel_failures import explain
from jupyter_xdisplay.containers.kernel_install import apt, pip, toolkits
from jupyter_xdisplay.containers.kernel_recipe import Recipe

RECIPE = Recipe("tf", "some/image:1")
SAME = ("amd64", "amd64")


@pytest.mark.parametrize(
    ("failure", "architectures", "message", "fix"),
    [
        (
            Failure("x", ["standard_init_linux.go:228: exec user process: exec format error"], 1),
            ("arm64", "amd64"),
            "it is for arm64, and this engine runs amd64",
            "docker pull --platform linux/amd64 some/image:1",
        ),
        (
            Failure("exec /bin/sh: exec format error", [], 1),
            SAME,
            "not for this engine's processor",
            "--name tf   (an image for amd64",
        ),
        (
            Failure('exec: "/bin/sh": stat /bin/sh: no such file or directory', [], None),
            SAME,
            "it has no shell",
            "--name tf   (an image with Python 3.10 or newer)",
        ),
        (
            Failure("write /usr/lib/x: no space left on device", [], None),
            SAME,
            "no space left on device",
            "docker image prune",
        ),
        (
            Failure("x", ["E: Unable to locate package ffmpg"], kernel_install.APT_FAILED),
            SAME,
            "could not install system packages",
            "leave out --apt ffmpg",
        ),
        (
            Failure("x", ["SSL: CERTIFICATE_VERIFY_FAILED"], kernel_install.PIP_FAILED),
            SAME,
            "pip could not install",
            "--ca-bundle FILE",
        ),
        (Failure("odd", [], 137), SAME, "odd", "kernel add --image some/image:1 --name tf --verb"),
    ],
)
def test_what_failures_mean(
    failure: Failure, architectures: tuple[str, str], message: str, fix: str
) -> None:
    """Each has its reason, the last lines of the build, and its fix."""
    error = explain(failure, RECIPE, architectures)
    assert message in error.message
    assert fix in (error.fix or "")
    assert error.log == failure.log


def test_the_dockerfile_has_the_exit_codes() -> None:
    """Two of them are its own: no Python can be asked then."""
    text = context.kernel_files({})["Dockerfile"].decode()
    found = {int(code) for code in re.findall(r"exit (\d+)", text)}
    assert found == {kernel_install.NO_PYTHON, kernel_install.OLD_PYTHON}


def test_the_installer_stands_alone() -> None:
    """It runs in an image before this package can be imported there."""
    for path in Path(kernel_install.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= sys.stdlib_module_names
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert str(node.module).partition(".")[0] in sys.stdlib_module_names


def test_packages_that_exist() -> None:
    """Those of a new name are known by what provides them; those only mentioned are not."""
    text = """\
Package: libgl1
Versions:
1.6.0-1 (/var/lib/apt/lists/deb_main) (/var/lib/dpkg/status)
 Description Language:

Reverse Depends:
  libglu1-mesa,libgl1
Dependencies:
1.6.0-1 - libc6 (2 2.14)
Provides:
1.6.0-1 -
Reverse Provides:
Package: libglib2.0-0
Versions:

Reverse Depends:
  x,libglib2.0-0 2.12.0
Dependencies:
Provides:
Reverse Provides:
libglib2.0-0t64 2.80.0-6ubuntu3 (= 2.80.0-6ubuntu3)
Package: libmentioned
Versions:

Reverse Depends:
  y,libmentioned
Dependencies:
Provides:
Reverse Provides:
"""
    assert apt.known_packages(text) == {"libgl1", "libglib2.0-0"}


def test_what_is_installed_is_pinned() -> None:
    """By names and versions that pip can read."""
    found = pip.pins()
    assert any(line.startswith("numpy==") for line in found)
    assert [line.partition("==")[0] for line in pip.pins({"numpy"})] == ["numpy"]
    assert pip.normal("Some_Package.name") == "some-package-name"


def test_a_toolkit_is_there() -> None:
    """Toolkits of the Python that runs it are found, and those that are not there are not."""
    assert "PySide6" in toolkits.usable()
    assert toolkits.choose_toolkit("qt") == toolkits.choose_toolkit("none") == "none"
    assert toolkits.usable(["PySide2"]) == []
