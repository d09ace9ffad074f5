"""Messages that people paste: each is explained."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_xdisplay.doctor.known_messages import KNOWN_MESSAGES, explain

MESSAGES = [
    (
        "_tkinter.TclError: no display name and no $DISPLAY environment variable",
        "Tk has no display",
    ),
    (
        (
            "ImportError: Cannot load backend 'TkAgg' which requires the 'tk' interactive "
            "framework, "
            "as 'headless' is currently running"
        ),
        "matplotlib sees no display",
    ),
    (
        (
            'qt.qpa.plugin: Could not load the Qt platform plugin "xcb" in "" even though it was '
            "found.\nThis application failed to start because no Qt platform plugin could be "
            "initialized."
        ),
        "Qt's xcb plugin does not start",
    ),
    (
        (
            "qt.qpa.xcb: could not connect to display \nqt.qpa.plugin: Could not load the "
            "Qt platform "
            'plugin "xcb" in "" even though it was found.'
        ),
        "Qt's xcb plugin does not start",
    ),
    (
        (
            "qt.qpa.plugin: From 6.5.0, xcb-cursor0 or libxcb-cursor0 is needed to load the Qt xcb "
            'platform plugin.\nqt.qpa.plugin: Could not load the Qt platform plugin "xcb" '
            'in "" even '
            "though it was found."
        ),
        "libxcb-cursor0 is missing",
    ),
    (
        (
            "QObject::moveToThread: …\nqt.qpa.plugin: Could not load the Qt platform "
            'plugin "xcb" in '
            '"/opt/conda/lib/python3.11/site-packages/cv2/qt/plugins" even though it was found.'
        ),
        "OpenCV's Qt plugins stand in Qt's way",
    ),
    (
        (
            "cv2.error: OpenCV(4.10.0) window.cpp:1301: error: (-2:Unspecified error) The "
            "function is "
            "not implemented. Rebuild the library with Windows, GTK+ 2.x or Cocoa "
            "support. If you are "
            "on Ubuntu or Debian, install libgtk2.0-dev and pkg-config, then re-run cmake"
        ),
        "OpenCV without windows",
    ),
    (
        "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
        "libGL.so.1 is missing",
    ),
    (
        (
            "libGL error: unable to load driver: swrast_dri.so\n"
            "libGL error: failed to load driver: swrast"
        ),
        "Mesa's software driver does not load",
    ),
    (
        (
            "libGL error: MESA-LOADER: failed to open swrast: "
            "/opt/conda/lib/libstdc++.so.6: version "
            "`GLIBCXX_3.4.30' not found (required by /usr/lib/libLLVM-15.so.1)"
        ),
        "libstdc++ is too old",
    ),
    (
        "libGL error: No matching fbConfigs or visuals found",
        "GL library and X server do not match",
    ),
    (
        "Error: couldn't get an RGB, Double-buffered visual",
        "No double-buffered GL visual",
    ),
    (
        (
            "X Error: BadAccess (attempt to access private resource denied) 10\n"
            "  Extension:    130 (MIT-SHM)\n  Minor opcode: 1 (X_ShmAttach)\n  Resource id:  0x142"
        ),
        "Shared memory with the X server is refused",
    ),
    (
        (
            "(EE) \nFatal server error:\n(EE) Server is already active for display 99\n"
            "\tIf this server is no longer running, remove /tmp/.X99-lock"
        ),
        "The display number is taken",
    ),
    (
        "_XSERVTransmkdir: ERROR: euid != 0,directory /tmp/.X11-unix will not be created.",
        "The directory of X sockets is missing",
    ),
    ("(EE) no screens found(EE) ", "Xorg found no screen"),
    (
        "(EE) xf86OpenConsole: Cannot open /dev/tty0 (No such file or directory)",
        "Xorg wants a terminal",
    ),
    (
        '(EE) Failed to load module "nvidia" (module does not exist, 0)',
        "NVIDIA's Xorg driver is not here",
    ),
    (
        (
            "Authorization required, but no authorization protocol specified\n"
            "Error: Can't open display: :99"
        ),
        "The X server wants its cookie",
    ),
    (
        "GLFWError: (65544) b'X11: Failed to open display :0'",
        "GLFW 65544: platform error",
    ),
    (
        "GLFWError: (65550) b'X11: Platform not initialized'",
        "GLFW 65550: no platform",
    ),
    ("pygame.error: No available video device", "SDL (pygame) has no display"),
    (
        (
            "[Open Browser Console for more detailed log - Double click to close this message]\n"
            "Error: No version of module anywidget is registered"
        ),
        "The front end cannot show widgets of this module",
    ),
    (
        (
            "permission denied while trying to connect to the Docker daemon socket at "
            'unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": '
            "dial unix /var/run/docker.sock: connect: permission denied"
        ),
        "This user may not use the container engine",
    ),
    (
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. "
            "Is the docker daemon running?"
        ),
        "No container engine answers",
    ),
    (
        (
            "docker: Error response from daemon: could not select device driver "
            '"" with capabilities: [[gpu]].'
        ),
        "The container engine knows no GPUs",
    ),
    (
        (
            "nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: "
            "cannot open shared object file: no such file or directory: unknown"
        ),
        "The container engine does not find NVIDIA's driver",
    ),
    ("exec /usr/bin/python3: exec format error", "A program for another processor"),
    ("OSError: [Errno 28] No space left on device", "A disk is full"),
    (
        (
            "docker: Error response from daemon: conflicting options: port publishing and the "
            "container type network mode."
        ),
        "No ports where the network is another container's",
    ),
    (
        (
            "Error response from daemon: can't join IPC of container 5f0c: non-shareable IPC "
            "(hint: use IpcMode:shareable for the donor container)"
        ),
        "The IPC of that container cannot be joined",
    ),
]

VARIANTS = [
    (
        'could not select device driver "nvidia" with capabilities: [[gpu utility]]',
        "The container engine knows no GPUs",
    ),
    (
        (
            "permission denied while trying to connect to the docker API at "
            "unix:///var/run/docker.sock"
        ),
        "This user may not use the container engine",
    ),
    (
        (
            "failed to connect to the docker API at unix:///run/user/1000/docker.sock; check "
            "if the path is correct and if the daemon is running"
        ),
        "No container engine answers",
    ),
]
"""The same as other versions write it."""


@pytest.mark.parametrize(("text", "title"), MESSAGES, ids=[title for _, title in MESSAGES])
def test_message_is_explained(text: str, title: str) -> None:
    """Each message of the list is known, with a cause and a fix."""
    found = {item.title: item for item in explain(text)}
    assert title in found
    assert found[title].cause.endswith(".")
    assert found[title].fix


@pytest.mark.parametrize(("text", "title"), VARIANTS)
def test_a_variant_is_explained(text: str, title: str) -> None:
    """What versions word differently is known too, and is taken for nothing else."""
    assert [item.title for item in explain(text)] == [title]


def test_no_fix_opens_a_socket_to_everybody() -> None:
    """Whoever may use the engine's socket can become root: the fix is not chmod 666."""
    (found,) = [item for text, _ in VARIANTS for item in explain(text) if "may not" in item.title]
    assert "Never chmod 666" in found.fix


def test_every_known_message_is_tested() -> None:
    """No pattern is without a message that it matches."""
    for known in KNOWN_MESSAGES:
        assert any(known.matches(text) for text, _ in MESSAGES), known.pattern.pattern


def test_message_inside_a_traceback() -> None:
    """A whole traceback can be given: the message is found in it, and only that one."""
    text = f"Traceback (most recent call last):\n  File …\n{MESSAGES[0][0]}\n\nIn [3]: "
    assert [item.title for item in explain(text)] == ["Tk has no display"]


def test_conda_swrast_names_both_causes() -> None:
    """The old libstdc++ beside the driver's message is explained too."""
    text = next(text for text, title in MESSAGES if title == "libstdc++ is too old")
    assert {item.title for item in explain(text)} == {
        "libstdc++ is too old",
        "Mesa's software driver does not load",
    }


@pytest.mark.parametrize(
    "text",
    ["", "ZeroDivisionError: division by zero", "65544 rows of data, 65550 columns", "swrast"],
)
def test_other_messages_are_not_explained(text: str) -> None:
    """What is not known is not guessed."""
    assert explain(text) == []


@given(st.text())
def test_explain_takes_any_text(text: str) -> None:
    """No text makes it fail."""
    explain(text)
