"""The errors: complete, drawn, and the same on the other side of a seam."""

from __future__ import annotations

import inspect
import json

import pytest

from jupyter_xdisplay import errors
from jupyter_xdisplay.errors import StartFailed, UsageError, XDisplayError, error_from_json

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, XDisplayError)
]


def test_all_is_complete() -> None:
    """Everything public that is defined here is in `__all__`."""
    public = {
        name
        for name, value in vars(errors).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == errors.__name__
    }
    assert set(errors.__all__) == public
    assert sorted(errors.__all__) == errors.__all__


def test_the_drawn_tree_is_the_real_one() -> None:
    """The tree in the module's docstring has each class, under its real base."""
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        _, branch, rest = line.partition("\u2500\u2500 ")
        if branch:
            drawn[rest.split()[0]] = "XDisplayError"
    real = {kind.__name__: kind.__bases__[0].__name__ for kind in CLASSES}
    assert real.pop("XDisplayError") == "Exception"
    assert drawn == real
    assert "    XDisplayError\n" in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_crosses_processes_as_its_own_class(kind: type[XDisplayError]) -> None:
    """Class, message, fix and log are the same after JSON."""
    error = kind("It failed.", fix="mend it", log=["line 1", "line 2"])
    back = error_from_json(json.loads(json.dumps(error.to_json())))
    assert type(back) is kind
    assert (back.message, back.fix, back.log) == (error.message, error.fix, error.log)


@pytest.mark.parametrize("value", [{}, {"error": "KeyError", "message": "x"}, {"error": None}])
def test_unknown_errors_become_the_base(value: dict[str, str]) -> None:
    """An error of a newer version is still one of ours."""
    assert type(error_from_json(value)) is XDisplayError


def test_the_text_says_what_failed_why_and_what_mends_it() -> None:
    """Message, log lines and fix are in the text, in this order."""
    text = str(StartFailed("Xvfb ended.", fix="jupyter xdisplay doctor", log=["(EE) no"]))
    parts = ["Xvfb ended.", "(EE) no", "jupyter xdisplay doctor"]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert str(XDisplayError("Only this.")) == "Only this."


def test_a_usage_error_is_a_value_error() -> None:
    """Callers that know nothing of us catch it as what it is."""
    assert issubclass(UsageError, ValueError)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_a_status_and_a_docstring(kind: type[XDisplayError]) -> None:
    """Each has an HTTP status of an error and says what it means."""
    assert 400 <= kind.http_status < 600
    assert kind.__doc__
