"""What a display changes in an environment, and that all of it comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_xdisplay.kernel.environ import Change, EnvironmentChanges, notes, plan
from tests.kernel.kernel_process import KernelProcess, Starter


def changed(environ: dict[str, str]) -> dict[str, str]:
    """Return `environ` with its plan carried out."""
    result = dict(environ)
    EnvironmentChanges(result).apply(plan(result, ":7", "/x/auth"))
    return result


def test_display_and_cookie_are_set() -> None:
    """DISPLAY and XAUTHORITY point to the display."""
    assert changed({"PATH": "/bin"}) == {
        "PATH": "/bin",
        "DISPLAY": ":7",
        "XAUTHORITY": "/x/auth",
    }


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MPLBACKEND", "module://matplotlib_inline.backend_inline"),
        ("MPLBACKEND", "Agg"),
        ("MPLBACKEND", "inline"),
        ("WAYLAND_DISPLAY", "wayland-0"),
        ("QT_QPA_PLATFORM", "offscreen"),
        ("QT_QPA_PLATFORM", "minimal"),
        ("QT_QPA_PLATFORM", "wayland;xcb"),
        ("QT_QPA_PLATFORM", "offscreen:configfile=x"),
        ("SDL_VIDEODRIVER", "dummy"),
        ("SDL_VIDEO_DRIVER", "offscreen"),
        ("GDK_BACKEND", "wayland"),
        ("GDK_BACKEND", "broadway"),
        ("MOZ_ENABLE_WAYLAND", "1"),
        ("JUPYTER_XDISPLAY_CAPABILITY", "secret"),
    ],
)
def test_what_keeps_windows_away_is_removed(variable: str, value: str) -> None:
    """Settings that send windows elsewhere than to X are out of the way."""
    assert variable not in changed({variable: value})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MPLBACKEND", "QtAgg"),
        ("MPLBACKEND", "TkAgg"),
        ("QT_QPA_PLATFORM", "xcb"),
        ("SDL_VIDEODRIVER", "x11"),
        ("GDK_BACKEND", "x11"),
        ("QT_QPA_PLATFORM", ""),
        ("XDG_SESSION_TYPE", "x11"),
        ("PYOPENGL_PLATFORM", "egl"),
    ],
)
def test_the_rest_stays(variable: str, value: str) -> None:
    """Settings that mean X, or that somebody may want, are left alone."""
    assert changed({variable: value})[variable] == value


def test_off_screen_rendering_is_told() -> None:
    """Settings that are left alone but hide windows are named, with the way to change them."""
    assert notes({"PYOPENGL_PLATFORM": "egl"})[0].startswith("PYOPENGL_PLATFORM=egl is set")
    assert notes({"PYOPENGL_PLATFORM": "glx"}) == []


VARIABLES = st.sampled_from(
    ["DISPLAY", "XAUTHORITY", "MPLBACKEND", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "HOME"]
)
ENVIRONMENTS = st.dictionaries(VARIABLES, st.sampled_from(["", ":0", "offscreen", "agg", "x"]))


@given(ENVIRONMENTS, st.lists(st.sampled_from([":1", ":2", ":3"]), max_size=4))
def test_undo_restores_exactly(environ: dict[str, str], displays: list[str]) -> None:
    """However often displays are switched, the environment is as before in the end."""
    now = dict(environ)
    changes = EnvironmentChanges(now)
    for display in displays:
        changes.apply(plan(now, display, f"/{display}"))
    assert changes.undo() == []
    assert now == environ


def test_what_the_user_changed_meanwhile_stays() -> None:
    """A value set by somebody else after us is kept, the rest is put back."""
    now = {"DISPLAY": ":0", "MPLBACKEND": "agg"}
    changes = EnvironmentChanges(now)
    changes.apply(plan(now, ":7", "/x"))
    now["MPLBACKEND"] = "QtAgg"
    assert changes.undo() == ["MPLBACKEND"]
    assert now == {"DISPLAY": ":0", "MPLBACKEND": "QtAgg"}


def test_secrets_are_not_described() -> None:
    """The description for the user does not show the capability."""
    changes = EnvironmentChanges({"JUPYTER_XDISPLAY_CAPABILITY": "secret"})
    changes.apply([Change("JUPYTER_XDISPLAY_CAPABILITY", None, "for this kernel only")])
    assert "secret" not in "".join(changes.describe())


def test_stop_puts_the_kernels_environment_back(start_kernel: Starter) -> None:
    """After `%xdisplay stop` the kernel's environment is what it was, in every variable."""
    kernel = start_kernel(QT_QPA_PLATFORM="offscreen", SDL_VIDEODRIVER="dummy", DISPLAY=":77")
    kernel.ok("import os; before = dict(os.environ)")
    kernel.ok("%load_ext jupyter_xdisplay\n%xdisplay")
    assert kernel.value("os.environ['DISPLAY'] != ':77'") == "True"
    assert kernel.value("{'QT_QPA_PLATFORM', 'SDL_VIDEODRIVER'} & set(os.environ)") == "set()"
    kernel.ok("%xdisplay stop")
    assert kernel.value("dict(os.environ) == before") == "True"


def test_a_child_script_opens_its_window(display: KernelProcess) -> None:
    """`plt.show()` in a script opens a window although the kernel exports an inline backend."""
    script = "import matplotlib.pyplot as plt; plt.figure('From a child'); plt.show()"
    display.ok(f'import sys\n!{{sys.executable}} -c "{script}" &')
    display.wait_for("[w for w in d.windows() if w.title == 'From a child']")
