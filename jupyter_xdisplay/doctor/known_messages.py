"""Messages that people paste when no window appears: what each means, and what mends it.

Data and one pure function. Patterns match a piece of a message, so that a whole traceback or log
can be given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """What a message means (`cause`), and the commands or steps that mend it (`fix`)."""

    title: str
    cause: str
    fix: str


@dataclass(frozen=True)
class KnownMessage:
    """A message known by its text; `unless` tells apart another one that has the same text."""

    pattern: re.Pattern[str]
    explanation: Explanation
    unless: re.Pattern[str] | None = None

    def matches(self, text: str) -> bool:
        """Whether the text holds this message."""
        if self.unless is not None and self.unless.search(text):
            return False
        return self.pattern.search(text) is not None


def explain(text: str) -> list[Explanation]:
    """Return what is known about the messages in `text`, the most specific first."""
    found: list[Explanation] = []
    for known in KNOWN_MESSAGES:
        if known.matches(text) and known.explanation not in found:
            found.append(known.explanation)
    return found


def _known(
    pattern: str, title: str, cause: str, fix: str, *, unless: str | None = None
) -> KnownMessage:
    flags = re.IGNORECASE | re.DOTALL
    return KnownMessage(
        re.compile(pattern, flags),
        Explanation(title, cause, fix),
        re.compile(unless, flags) if unless else None,
    )


START_DISPLAY = "%load_ext jupyter_xdisplay, then %xdisplay (in a cell, before the program)"

_NO_DISPLAY = (
    _known(
        r"no display name and no \$DISPLAY environment variable",
        "Tk has no display",
        "DISPLAY is not set in the process that opens the window.",
        START_DISPLAY,
    ),
    _known(
        r"Cannot load backend '[^']+' which requires the '[^']+' interactive framework,"
        r" as 'headless' is currently running",
        "matplotlib sees no display",
        "Matplotlib was asked for a window while DISPLAY was not set.",
        START_DISPLAY,
    ),
    _known(
        r"No available video device",
        "SDL (pygame) has no display",
        "DISPLAY is not set, or SDL_VIDEODRIVER names another driver than x11.",
        START_DISPLAY + '; if it stays: import os; os.environ.pop("SDL_VIDEODRIVER", None)',
    ),
    _known(
        r"GLFW\D{0,40}65550|\b65550\b.{0,80}(GLFW|X11|DISPLAY|platform)",
        "GLFW 65550: no platform",
        "GLFW_PLATFORM_UNAVAILABLE: neither X11 nor Wayland can be reached; DISPLAY is not set.",
        START_DISPLAY,
    ),
    _known(
        r"GLFW\D{0,40}65544|\b65544\b.{0,80}(GLFW|X11|DISPLAY|platform)"
        r"|X11: The DISPLAY environment variable is missing|X11: Failed to open display",
        "GLFW 65544: platform error",
        "GLFW_PLATFORM_ERROR: mostly an X11 display that is missing or does not let it in.",
        START_DISPLAY,
    ),
)

_QT = (
    _known(
        r"cv2[/\\]qt[/\\]plugins",
        "OpenCV's Qt plugins stand in Qt's way",
        "opencv-python brings a Qt of its own and sets QT_QPA_PLATFORM_PLUGIN_PATH to it; PyQt or "
        "PySide then load plugins of another version.",
        "pip uninstall opencv-python && pip install opencv-python-headless (cv2.imshow then "
        "needs another window), or, after importing cv2: "
        'os.environ.pop("QT_QPA_PLATFORM_PLUGIN_PATH")',
    ),
    _known(
        r"xcb-cursor0|libxcb-cursor",
        "libxcb-cursor0 is missing",
        "Qt 6.5 and later need the library libxcb-cursor.so.0 for its xcb plugin.",
        "jupyter xdisplay setup (Debian and Ubuntu: apt-get install libxcb-cursor0)",
    ),
    _known(
        r"could not connect to display|Could not load the Qt platform plugin [\"'“]?xcb",
        "Qt's xcb plugin does not start",
        "Either DISPLAY is not set or refused (then 'could not connect to display' is beside it), "
        "or a library of the plugin is missing, most often libxcb-cursor0, or the plugins of "
        "opencv-python are found before those of PyQt or PySide.",
        START_DISPLAY + "; then jupyter xdisplay setup, which installs Qt's libraries; with "
        'cv2: os.environ.pop("QT_QPA_PLATFORM_PLUGIN_PATH", None) after its import',
        unless=r"cv2[/\\]qt[/\\]plugins|xcb-cursor0|libxcb-cursor",
    ),
)

_OPENCV = (
    _known(
        r"The function is not implemented\. Rebuild the library with Windows, GTK\+ ?2\.x or Cocoa",
        "OpenCV without windows",
        "opencv-python-headless (or a build without a GUI) is installed: it has no imshow.",
        "pip uninstall -y opencv-python-headless opencv-contrib-python-headless && "
        "pip install opencv-python, then restart the kernel",
    ),
)

_OPENGL = (
    _known(
        r"libGL\.so\.1\b.{0,80}(cannot open shared object|No such file)|ImportError: libGL\.so\.1",
        "libGL.so.1 is missing",
        "The OpenGL library is not installed; images such as python:slim leave it out.",
        "jupyter xdisplay setup (Debian and Ubuntu: apt-get install libgl1)",
    ),
    _known(
        r"failed to load driver: ?swrast|swrast_dri\.so|failed to open swrast",
        "Mesa's software driver does not load",
        "swrast_dri.so is missing, or it needs a newer C++ library than the old libstdc++ that a "
        "conda environment puts before the system's (then 'GLIBCXX… not found' is beside it).",
        "jupyter xdisplay setup; in conda: conda install -c conda-forge 'libstdcxx-ng>=12' (or "
        "start the program with LD_PRELOAD of the system's libstdc++.so.6)",
    ),
    _known(
        r"GLIBCXX_[\d.]+\W? not found",
        "libstdc++ is too old",
        "A library was built against a newer libstdc++ than the one found first, mostly conda's.",
        "conda install -c conda-forge 'libstdcxx-ng>=12'",
    ),
    _known(
        r"No matching fbConfigs or visuals found",
        "GL library and X server do not match",
        "The program's GL library (often NVIDIA's, on an X server without NVIDIA's GLX such as "
        "Xvfb, or an outdated one) finds no common format with the server.",
        "jupyter xdisplay doctor (line 'OpenGL'); with NVIDIA's libraries on a software display: "
        "start the program with __GLX_VENDOR_LIBRARY_NAME=mesa",
    ),
    _known(
        r"couldn'?t get an RGB, Double-buffered visual",
        "No double-buffered GL visual",
        "The X server's GLX has no usable driver: Mesa's drivers are missing where the server "
        "runs, or GLX is off.",
        "jupyter xdisplay setup (installs Mesa's drivers), then %xdisplay stop and %xdisplay",
    ),
)

_X_PROTOCOL = (
    _known(
        r"(BadAccess.{0,300}(MIT-SHM|X_ShmAttach))|((MIT-SHM|X_ShmAttach).{0,300}BadAccess)",
        "Shared memory with the X server is refused",
        "MIT-SHM works only within one IPC namespace and for one user: here the X server runs in "
        "another container, or as another user.",
        "run both with one IPC namespace (--ipc=shareable for the one with the X server, "
        "--ipc=container:<its name> for the other) and one user id; or for one program: "
        "QT_X11_NO_MITSHM=1, GDK_DISABLE_SHM=1",
    ),
    _known(
        r"Server is already active for display (\d+)",
        "The display number is taken",
        "A lock file /tmp/.X<number>-lock is there: an X server of that number runs, or was "
        "killed and left it.",
        "jupyter xdisplay doctor (names locks of dead servers); displays of %xdisplay choose a "
        "free number by themselves",
    ),
    _known(
        r"_XSERVTransmkdir: ?(ERROR: ?)?euid != 0",
        "The directory of X sockets is missing",
        "Only root's X server makes /tmp/.X11-unix; without it others have no socket file.",
        "mkdir -m 1777 /tmp/.X11-unix",
    ),
    _known(
        r"No protocol specified|Authorization required, but no authorization protocol specified",
        "The X server wants its cookie",
        "The program found the display but not the cookie: XAUTHORITY is not set, names a file "
        "that is gone, or the program runs as another user.",
        "start it from the notebook's kernel (%xdisplay run PROGRAM), or export the XAUTHORITY "
        "that %xdisplay status shows",
    ),
)

_XORG = (
    _known(
        r"\(EE\) no screens found",
        "Xorg found no screen",
        "No driver of its configuration took a device: an empty or wrong BusID, a driver that is "
        "not in this container, or no configuration at all. The lines before it say which.",
        "%xdisplay (uses Xvfb, which needs no device); for a GPU's Xorg compare BusID with "
        "nvidia-smi --query-gpu=pci.bus_id --format=csv (that one is hexadecimal)",
    ),
    _known(
        r"Cannot open (/dev/tty\d+|virtual console)",
        "Xorg wants a terminal",
        "Xorg takes a virtual console unless told otherwise; containers have none.",
        "%xdisplay (uses Xvfb, which needs none); for Xorg: vt7 -novtswitch -sharevts",
    ),
    _known(
        r"Failed to load module \"?nvidia\"?",
        "NVIDIA's Xorg driver is not here",
        "nvidia_drv.so is not in Xorg's module path: the container was started without the driver "
        "capabilities 'graphics' and 'display', or ModulePath does not name their place.",
        "start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics,display",
    ),
)

_WIDGET = (
    _known(
        r"No version of module \S+ is registered|Error displaying widget: model not found|"
        r"Failed to load model class",
        "The front end cannot show widgets of this module",
        "The widget's JavaScript is not where JupyterLab or Notebook looks: it is installed in "
        "another environment than the server's, or the page is older than the installation.",
        "install anywidget (and ipywidgets) in the environment that runs the server: "
        "pip install -U anywidget; then reload the page",
    ),
)

_CONTAINERS = (
    _known(
        r"permission denied while trying to connect to the Docker (daemon socket|API)",
        "This user may not use the container engine",
        "Its socket is open to root and to a group, mostly 'docker', that this user is not in, or "
        "not yet in this session.",
        "sudo usermod -aG docker $USER, then log in again (that group can become root); without "
        "it: a rootless engine, https://docs.docker.com/engine/security/rootless. Never chmod 666",
    ),
    _known(
        r"Cannot connect to the Docker daemon at|failed to connect to the docker API at",
        "No container engine answers",
        "Its service does not run, or DOCKER_HOST (or `docker context`) names another place than "
        "where it listens.",
        "sudo systemctl start docker; jupyter xdisplay doctor (line 'container engine') says where "
        "it was looked for",
    ),
    _known(
        r"could not select device driver \"[^\"]*\" with capabilities: \[\[[^\]]*gpu",
        "The container engine knows no GPUs",
        "A container asked for GPUs, and the engine found no nvidia-container-toolkit when it "
        "started.",
        "install nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure "
        "--runtime=docker && sudo systemctl restart docker",
    ),
    _known(
        r"nvidia-container-cli: initialization error: load library failed: libnvidia-ml\.so",
        "The container engine does not find NVIDIA's driver",
        "nvidia-container-toolkit looks for the driver's libraries on the engine's machine: the "
        "driver is not installed there, or the engine cannot see it (Docker Desktop and Docker as "
        "a snap run apart from the host's files).",
        "nvidia-smi on the engine's machine: where it fails, install the driver, else sudo "
        "ldconfig && sudo systemctl restart docker; in place of Docker Desktop or the snap: "
        "https://docs.docker.com/engine/install",
    ),
    _known(
        r"exec format error",
        "A program for another processor",
        "The image, or the program in it, was built for another architecture (arm64, amd64), or a "
        "script's first line does not name its interpreter.",
        "docker image inspect --format '{{.Architecture}}' IMAGE; then the image for this machine: "
        "jupyter xdisplay image build, or docker pull --platform linux/amd64 (linux/arm64)",
    ),
    _known(
        r"no space left on device",
        "A disk is full",
        "The disk of the container engine, of /dev/shm or of /tmp has no room (or no inodes).",
        "df -h; df -i; docker system df, then docker image prune; for /dev/shm in a container: "
        "--shm-size=1g",
    ),
    _known(
        r"conflicting options: port publishing and the container type network mode",
        "No ports where the network is another container's",
        "A container that joins another one's network (--network container:NAME) has that one's "
        "ports, and can publish none itself.",
        "publish the port (-p) on the container whose network is joined; kernels of "
        "jupyter_xdisplay need none: their sockets are files",
    ),
    _known(
        r"non-shareable IPC",
        "The IPC of that container cannot be joined",
        "The engine makes the IPC of containers private unless asked for another: then no other "
        "container has shared memory (MIT-SHM) with it.",
        "start the container with the X server with --ipc=shareable, the other one with "
        "--ipc=container:<its name>",
    ),
)

KNOWN_MESSAGES: tuple[KnownMessage, ...] = (
    *_NO_DISPLAY,
    *_QT,
    *_OPENCV,
    *_OPENGL,
    *_X_PROTOCOL,
    *_XORG,
    *_WIDGET,
    *_CONTAINERS,
)
"""All known messages, in the order in which they are explained."""
