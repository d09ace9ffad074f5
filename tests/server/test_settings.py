"""Every setting has help, and stands in the README's table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from jupyter_xdisplay.provisioner import DockerProvisioner
from jupyter_xdisplay.runtime.base import ConfiguredRuntime
from jupyter_xdisplay.runtime.docker import DockerRuntime
from jupyter_xdisplay.runtime.local import LocalRuntime
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.server.app import XDisplayApp

README = (Path(__file__).parents[2] / "README.md").read_text()
SETTINGS = [
    (kind.__name__.replace("ConfiguredRuntime", "LocalRuntime"), name, trait)
    for kind in (
        XDisplayApp,
        DisplayManager,
        ConfiguredRuntime,
        LocalRuntime,
        DockerRuntime,
        DockerProvisioner,
    )
    for name, trait in kind.class_own_traits(config=True).items()
    if trait is not DockerProvisioner.options  # written by `kernel add`
]


def _documented() -> dict[str, set[str]]:
    """Return class → settings, from the rows of the README's table."""
    found: dict[str, set[str]] = {}
    for row in re.findall(r"^\| (`c\..*)", README, re.MULTILINE):
        setting, _, rest = row.partition(" | ")
        [kind] = re.findall(r"`c\.(\w+)\.", setting)
        names = re.findall(r"`(?:c\.\w+\.)?(\w+)`", setting)
        ends = re.findall(r"`…(_\w+)`", rest)
        names += [name + end for name in list(names) for end in ends]
        found.setdefault(kind, set()).update(names)
    return found


@pytest.mark.parametrize(
    ("kind", "name", "trait"), SETTINGS, ids=[f"{kind}.{name}" for kind, name, _ in SETTINGS]
)
def test_every_setting_is_documented(kind: str, name: str, trait: Any) -> None:
    """A sentence of help, and a row in the README."""
    assert trait.help.strip().endswith("."), f"{kind}.{name} has no help"
    assert name in _documented().get(kind, set())


def test_the_readme_names_no_setting_that_is_not_there() -> None:
    """What was renamed or removed is so in the README too."""
    real = {f"{kind}.{name}" for kind, name, _ in SETTINGS}
    assert {f"{kind}.{name}" for kind, names in _documented().items() for name in names} == real
