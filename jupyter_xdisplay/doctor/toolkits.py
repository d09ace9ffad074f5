"""GUI toolkits: which import in this Python, and whether matplotlib opens a window with them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from jupyter_xdisplay.doctor.check import Check, note, ok, problem
from jupyter_xdisplay.doctor.known_messages import explain
from jupyter_xdisplay.doctor.process import Result, parsed, run_python
from jupyter_xdisplay.kernel.gui.toolkits import (
    Toolkit,
    available,
    install_command,
    library_command,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBE_TIMEOUT_S = 30.0

_TITLES = {"tk": "Tk", "qt": "Qt", "gtk": "GTK", "wx": "wx"}
_BACKENDS = {"tk": "TkAgg", "qt": "QtAgg", "gtk": "GTK3Agg", "wx": "WXAgg"}

_IMPORT = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps({"imported": sys.argv[1:]}))
"""

_FIGURE = """
import importlib, json, sys
for name in sys.argv[2:]:
    importlib.import_module(name)
import matplotlib
matplotlib.use(sys.argv[1])
import matplotlib.pyplot as plt
plt.plot([1, 4, 9])
plt.pause(0.1)
print(json.dumps({"backend": matplotlib.get_backend(), "matplotlib": matplotlib.__version__}))
"""
"""The binding is imported first: matplotlib then takes that one."""


def toolkit_checks(variables: Mapping[str, str] | None) -> list[Check]:
    """Try each toolkit that is installed, in processes of their own.

    With the environment `variables` of a display each opens a figure there; without, they are
    only imported.
    """
    matplotlib = find_spec("matplotlib") is not None
    tried = [_try(toolkit, variables, matplotlib=matplotlib) for toolkit in available()]
    return summarize(tried, matplotlib=matplotlib)


def summarize(tried: list[Check], *, matplotlib: bool) -> list[Check]:
    """Add to the findings what is missing: a problem where nothing works."""
    found = list(tried)
    if not matplotlib:
        found.append(note("matplotlib", "is not installed", "python -m pip install matplotlib"))
    if any(check.status == "ok" for check in tried):
        found.extend(
            note(_TITLES[family], "is not installed", command(family))
            for family in ("tk", "qt")
            if not any(check.name.startswith(_TITLES[family]) for check in tried)
        )
        return found
    if not tried:
        detail = "none can be imported in this Python: plt.show() opens no window"
        found.append(problem("toolkits", detail, command("auto")))
    return found


def command(family: str) -> str:
    """Return the command for a shell that adds a toolkit to this Python."""
    return install_command(family).removeprefix("!")


def _try(toolkit: Toolkit, variables: Mapping[str, str] | None, *, matplotlib: bool) -> Check:
    title = _TITLES[toolkit.name]
    name = title if toolkit.binding == "tkinter" else f"{title} ({toolkit.binding})"
    if variables is None or not matplotlib:
        script = ["-c", _IMPORT, *toolkit.modules]
    else:
        script = ["-c", _FIGURE, _BACKENDS[toolkit.name], *toolkit.modules]
    result = run_python(*script, timeout_s=PROBE_TIMEOUT_S, environment=variables)
    return judge(name, toolkit.name, result)


def judge(name: str, family: str, result: Result) -> Check:
    """Return the finding from what a probe wrote."""
    found = parsed(result)
    if result.status == 0 and "backend" in found:
        detail = f"matplotlib {found['matplotlib']} opened a figure ({found['backend']})"
        return ok(name, detail)
    if result.status == 0 and "imported" in found:
        return ok(name, "can be imported")
    known = explain(result.errors)
    missing = library_command(result.errors)
    fix = missing.removeprefix("!") if missing else known[0].fix if known else command(family)
    return problem(name, f"is installed, but {result.how}: {result.last_line()}", fix)
