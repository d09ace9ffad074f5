"""Toolkits: real imports and real figures."""

from __future__ import annotations

import sys

import pytest

from jupyter_xdisplay.doctor.check import note, ok
from jupyter_xdisplay.doctor.process import Result, run_python
from jupyter_xdisplay.doctor.toolkits import judge, summarize, toolkit_checks
from jupyter_xdisplay.doctor.trial import client_environment


def test_figures_on_a_display(display):
    """Each toolkit of this Python opens a matplotlib figure on the display."""
    pytest.importorskip("tkinter")
    pytest.importorskip("matplotlib")
    found = {check.name: check for check in toolkit_checks(client_environment(display))}
    assert found["Tk"].status == "ok", found["Tk"].detail
    assert "TkAgg" in found["Tk"].detail
    if "PySide6" in sys.modules or "Qt (PySide6)" in found:
        assert found["Qt (PySide6)"].status == "ok", found["Qt (PySide6)"].detail


def test_imports_without_a_display():
    """Without a display the toolkits are only imported."""
    pytest.importorskip("tkinter")
    found = {check.name: check for check in toolkit_checks(None)}
    assert found["Tk"].detail == "can be imported"


def test_no_toolkit_is_a_problem():
    """Where none can be imported it is a problem, with the one command that adds one."""
    (check,) = summarize([], matplotlib=True)
    assert check.status == "problem"
    assert "install" in (check.fix or "")
    assert not (check.fix or "").startswith("!")


def test_one_toolkit_is_enough():
    """Where one works, the other is a note with its command."""
    found = summarize([ok("Tk", "works")], matplotlib=True)
    assert [(check.name, check.status) for check in found] == [("Tk", "ok"), ("Qt", "note")]


def test_missing_matplotlib_is_a_note():
    """Toolkits work without matplotlib, which is said."""
    found = summarize([ok("Tk", "works"), ok("Qt (PySide6)", "works")], matplotlib=False)
    assert found[-1] == note("matplotlib", "is not installed", "python -m pip install matplotlib")


def test_qt_without_its_plugins_libraries():
    """A Qt that aborts for want of a library is a problem with what mends it."""
    errors = (
        "qt.qpa.plugin: From 6.5.0, xcb-cursor0 or libxcb-cursor0 is needed to load the Qt xcb "
        "platform plugin.\n"
    )
    check = judge("Qt (PySide6)", "qt", Result(-6, "", errors))
    assert check.status == "problem"
    assert "SIGABRT" in check.detail
    assert "libxcb-cursor0" in (check.fix or "")


def test_deadline_ends_the_program():
    """A probe that hangs is ended at its deadline and reported."""
    result = run_python("-c", "import time; time.sleep(600)", timeout_s=1.0)
    assert result.status is None
    check = judge("Tk", "tk", result)
    assert check.status == "problem"
    assert "no answer in time" in check.detail
