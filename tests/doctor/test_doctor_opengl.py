"""The OpenGL check: real contexts on real displays."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest

from jupyter_xdisplay.doctor.opengl import is_software, judge, opengl_check
from jupyter_xdisplay.doctor.process import Result, run_program
from jupyter_xdisplay.doctor.trial import client_environment

FOUND = {
    "vendor": "NVIDIA Corporation",
    "renderer": "NVIDIA H200/PCIe/SSE2",
    "version": "4.6.0 NVIDIA 580.65",
    "glx": "1.4",
    "direct": True,
    "drawn": True,
    "shown": True,
}


def result_of(found: dict[str, Any], errors: str = "") -> Result:
    """Return what the probe would have written."""
    return Result(0, json.dumps(found) + "\n", errors)


def test_real_context_on_a_display(display):
    """On Xvfb a frame is drawn, arrives on the screen, and its renderer is named as software."""
    check = opengl_check({**client_environment(display), "LIBGL_ALWAYS_SOFTWARE": "1"})
    assert check.status == "note"
    assert "llvmpipe" in check.detail
    assert "drawn by the CPU" in check.detail


def test_server_without_glx(start_xvfb):
    """An X server without GLX gives a problem that names it."""
    _process, number = start_xvfb("-extension", "GLX")
    check = opengl_check({**os.environ, "DISPLAY": f":{number}"})
    assert check.status == "problem"
    assert "no GLX extension" in check.detail
    assert check.fix


def test_no_display():
    """Without a display the probe says so and nothing breaks."""
    check = opengl_check({**os.environ, "DISPLAY": ":987"})
    assert check.status == "problem"
    assert "cannot be opened" in check.detail


def test_mesa_driver_that_does_not_load(display):
    """A driver folder without drivers is explained with what mends it."""
    variables = {
        **client_environment(display),
        "LIBGL_DRIVERS_PATH": "/nonexistent",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    check = opengl_check(variables)
    if check.status == "note":
        pytest.skip("this Mesa does not load its drivers from LIBGL_DRIVERS_PATH")
    assert check.status == "problem"
    assert "setup" in (check.fix or "")


def test_gpu_is_ok():
    """A GPU's renderer is fine, and named."""
    check = judge(result_of(FOUND), ["/dev/nvidia0"])
    assert check.status == "ok"
    assert "NVIDIA H200" in check.detail
    assert "direct" in check.detail


@pytest.mark.parametrize(
    "renderer",
    [
        "llvmpipe (LLVM 15.0.6, 256 bits)",
        "softpipe",
        "Software Rasterizer",
        "zink Vulkan 1.3(llvmpipe (LLVM 15.0.6, 256 bits) (MESA_LLVMPIPE))",
    ],
)
def test_software_renderers_are_named(renderer):
    """Every software renderer is told as such, and an unused GPU beside it is mentioned."""
    found = {**FOUND, "vendor": "Mesa", "renderer": renderer}
    assert is_software(found)
    check = judge(result_of(found), ["/dev/nvidia0"])
    assert check.status == "note"
    assert "/dev/nvidia0" in check.detail


def test_wrong_pixels_are_a_problem():
    """A context that names itself and draws nothing is a problem."""
    assert judge(result_of({**FOUND, "drawn": False}), []).status == "problem"
    assert judge(result_of({**FOUND, "shown": False}), []).status == "problem"


def test_crash_of_the_driver_is_a_problem():
    """A probe that was killed by a signal gives a problem that names the signal."""
    crashed = run_program(
        [sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"], timeout_s=20
    )
    check = judge(crashed, [])
    assert check.status == "problem"
    assert "SIGSEGV" in check.detail


def test_failure_text_is_explained():
    """What Mesa writes on its way down gives the fix."""
    errors = "libGL error: failed to load driver: swrast"
    check = judge(result_of({"step": "visual", "error": "no visual"}, errors), [])
    assert check.status == "problem"
    assert "libstdcxx" in (check.fix or "")
