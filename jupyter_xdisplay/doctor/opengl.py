"""Which renderer draws OpenGL on a display, found with a real context."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.doctor.check import Check, note, ok, problem
from jupyter_xdisplay.doctor.known_messages import explain
from jupyter_xdisplay.doctor.process import Result, parsed, run_python

if TYPE_CHECKING:
    from collections.abc import Mapping

SOFTWARE_RENDERERS = ("llvmpipe", "lavapipe", "softpipe", "swrast", "swiftshader", "software")
"""Pieces of GL_RENDERER that mean: drawn by the CPU."""

PROBE_TIMEOUT_S = 30.0

_MENDED_BY_SETUP = "jupyter xdisplay setup"
_GPU_DEVICES = ("nvidia[0-9]*", "dri/renderD*", "dxg")


def opengl_check(variables: Mapping[str, str]) -> Check:
    """Draw a frame in a process of its own with the environment `variables`; say who drew it."""
    result = run_python(
        "-m",
        "jupyter_xdisplay.doctor.gl_probe",
        timeout_s=PROBE_TIMEOUT_S,
        environment={**variables, "LIBGL_DEBUG": "verbose"},  # Mesa says why a driver fails
    )
    return judge(result, gpu_devices())


def judge(result: Result, gpus: list[str]) -> Check:
    """Return the finding from what the probe wrote and from the GPU devices that are there."""
    found = parsed(result)
    if not found:
        detail = f"the probe {result.how}: {result.last_line() or 'no message'}"
        return problem("OpenGL", detail, _fix(result.errors))
    if "error" in found:
        detail = f"no context ({found['step']}): {found['error']}"
        return problem("OpenGL", detail, _fix(f"{found['error']}\n{result.errors}"))
    name = f"{found['renderer']}, OpenGL {found['version']}, GLX {found['glx']}"
    if not found["drawn"] or not found["shown"]:
        where = "the frame that was drawn" if not found["drawn"] else "the window on the screen"
        return problem(
            "OpenGL", f"{name}: {where} does not have the right colour", _fix(result.errors)
        )
    if is_software(found):
        why = (
            f"the GPU ({', '.join(gpus)}) is not used: Xvfb has no driver for it"
            if gpus
            else "there is no GPU device here"
        )
        return note("OpenGL", f"{name}: drawn by the CPU; {why}")
    direct = "direct" if found["direct"] else "indirect"
    return ok("OpenGL", f"{name}, {direct} rendering")


def is_software(found: Mapping[str, Any]) -> bool:
    """Whether the renderer of a context is the CPU."""
    text = f"{found['renderer']} {found['vendor']}".lower()
    return any(name in text for name in SOFTWARE_RENDERERS)


def gpu_devices() -> list[str]:
    """Return the GPU device files of this machine or container."""
    devices = Path("/dev")
    return sorted(str(path) for pattern in _GPU_DEVICES for path in devices.glob(pattern))


def _fix(text: str) -> str:
    known = explain(text)
    return known[0].fix if known else _MENDED_BY_SETUP
