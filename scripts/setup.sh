#!/usr/bin/env bash
# Sets up for development: system packages, .venv. Says what it installs; safe to repeat.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
    python3-venv python3-tk                 # a Python that has Tk
    chromium libatomic1                     # the browser of the tests, and its driver's Node
    x11-apps x11-utils mesa-utils xterm     # programs that the tests show: xeyes, xdpyinfo, glxgears
    x11-xkb-utils                           # setxkbmap: other keyboards
    python3-gi python3-gi-cairo gir1.2-gtk-3.0 python3-wxgtk4.0  # toolkits that have no wheels
    tigervnc-standalone-server tigervnc-viewer tigervnc-tools  # peers of the RFB server
    procps iproute2
)

# A container engine, where there is none: another one's packages would conflict.
command -v dockerd >/dev/null || packages+=(docker.io)
packages+=(debootstrap podman uidmap)       # the base image without a registry; the other engine, rootless too

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
    local missing=()
    for package in "${packages[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
            missing+=("$package")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        echo "== apt: installing ${missing[*]}"
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
}

# A Python of at least 3.10 with venv and Tk: the one named, the one on PATH, the distribution's.
find_python() {
    for python in ${PYTHON:-} python3 /usr/bin/python3; do
        if "$python" -c 'import sys, venv, ensurepip, tkinter; sys.exit(sys.version_info < (3, 10))' \
            2>/dev/null; then
            echo "$python"
            return
        fi
    done
    echo "No Python of at least 3.10 with venv and tkinter. Set PYTHON=/path/to/python3." >&2
    return 1
}

if command -v apt-get >/dev/null; then
    install_packages
else
    echo "== no apt-get here: please install what ${packages[*]} are called on this system" >&2
fi
python=$(find_python)
if ! .venv/bin/python -c '' 2>/dev/null; then
    echo "== venv: making .venv with $python"
    "$python" -m venv --clear .venv
fi
echo "== pip: installing jupyter-xdisplay with its test and development tools into .venv"
.venv/bin/python -m pip install -q --upgrade pip
.venv/bin/python -m pip install -q -e '.[dev]'
echo "== jupyter xdisplay setup: Xvfb, openbox, Mesa, fonts, and x11vnc for the tests"
.venv/bin/jupyter-xdisplay setup --yes --with x11vnc
