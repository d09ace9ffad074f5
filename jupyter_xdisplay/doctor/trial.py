"""A display started for the checks, as kernels start theirs, and what is asked of it."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay.doctor.check import Check, guarded, note, ok, problem
from jupyter_xdisplay.doctor.known_messages import explain
from jupyter_xdisplay.doctor.opengl import opengl_check
from jupyter_xdisplay.doctor.process import parsed, run_python
from jupyter_xdisplay.doctor.toolkits import toolkit_checks
from jupyter_xdisplay.doctor.x_setup import addresses, knock
from jupyter_xdisplay.kernel import environ
from jupyter_xdisplay.spec import DisplaySpec, Size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_xdisplay.spec import DisplayInfo

START_TIMEOUT_S = 45.0
PROBE_TIMEOUT_S = 15.0
_X_TCP_PORT = 6000
_RFB_GREETING = re.compile(rb"RFB \d{3}\.\d{3}\n")


def trial_checks() -> Iterator[Check]:
    """Start a display, yield what is found on it, end it.

    It ends with this process too, however that ends: that is the sidecar's own promise.
    """
    from jupyter_xdisplay.kernel.local_host import LocalHost

    host = LocalHost()
    started: list[DisplayInfo] = []

    def start() -> Check:
        started.append(host.create(DisplaySpec(name="doctor", size=Size(800, 600))))
        return handshake_check(started[0])

    try:
        yield from guarded("X start", start, timeout_s=START_TIMEOUT_S)
        if started:
            info = started[0]
            variables = client_environment(info)
            yield from guarded("X cookie", lambda: cookie_check(info))
            yield from guarded("picture stream", lambda: stream_check(info))
            yield from guarded("OpenGL", lambda: opengl_check(variables), timeout_s=40.0)
            yield from guarded("toolkits", lambda: toolkit_checks(variables), timeout_s=150.0)
        else:
            yield from guarded("toolkits", lambda: toolkit_checks(None), timeout_s=150.0)
    finally:
        with suppress(Exception):
            host.close()


def client_environment(info: DisplayInfo) -> dict[str, str]:
    """Return the environment of a program on this display, as %xdisplay would set it."""
    variables = dict(os.environ)
    for change in environ.plan(variables, info.display, info.xauthority):
        if change.value is None:
            variables.pop(change.variable, None)
        else:
            variables[change.variable] = change.value
    return variables


def handshake_check(info: DisplayInfo) -> Check:
    """Return what the X server says of itself to a program with the cookie."""
    result = run_python(
        "-m",
        "jupyter_xdisplay.doctor.x_probe",
        timeout_s=PROBE_TIMEOUT_S,
        environment=client_environment(info),
    )
    found = parsed(result)
    if not found or "error" in found:
        why = found.get("error") or f"the probe {result.how}: {result.last_line()}"
        known = explain(result.errors + str(why))
        fix = known[0].fix if known else "jupyter xdisplay setup"
        return problem("X start", f"the X server runs, but lets no program in: {why}", fix)
    width, height = found["size"]
    detail = f"Xvfb {release_text(found['release'])}, {width}x{height}, {found['depth']} bits"
    if found["missing_extensions"]:
        names = ", ".join(found["missing_extensions"])
        return note("X start", f"{detail}; extensions that programs may want are missing: {names}")
    return ok("X start", f"{detail}: a program connected with the cookie")


def cookie_check(info: DisplayInfo) -> Check:
    """Return whether the X server refuses whoever has no cookie, this same user included."""
    name = "X cookie"
    number = display_number(info.display)
    refused: list[str] = []
    for kind, address in addresses(number).items():
        for what, cookie in (("no cookie", b""), ("a wrong cookie", os.urandom(16))):
            reply = knock(address, b"MIT-MAGIC-COOKIE-1" if cookie else b"", cookie)
            if reply is None:
                break
            if reply.accepted:
                detail = f"the X server lets anybody in ({kind}, {what}): others can look and type"
                return problem(name, detail, "%xdisplay stop, and report this")
        else:
            refused.append(kind)
    if not refused:
        return problem(
            name, f"display {info.display} has no socket", "mkdir -m 1777 /tmp/.X11-unix"
        )
    if knock(("127.0.0.1", _X_TCP_PORT + number)) is not None:
        detail = f"the X server listens on TCP port {_X_TCP_PORT + number}"
        return problem(name, detail, "remove '-listen tcp' from LocalRuntime.xvfb_args")
    if open_to_others := _open_to_others(info):
        detail = f"others can open {', '.join(open_to_others)}"
        return problem(name, detail, f"chmod go= {' '.join(open_to_others)}")
    return ok(name, f"without it the connection is refused ({', '.join(refused)}), no TCP port")


def stream_check(info: DisplayInfo) -> Check:
    """Return whether the RFB server and the screenshot work."""
    from jupyter_xdisplay.sidecar.client import SidecarClient

    client = SidecarClient(info.socket)
    with client.open_rfb(timeout_s=PROBE_TIMEOUT_S) as stream:
        stream.settimeout(PROBE_TIMEOUT_S)
        greeting = stream.recv(12)
    if _RFB_GREETING.fullmatch(greeting) is None:
        return problem(
            "picture stream", f"the RFB server says {greeting!r}", "jupyter xdisplay setup"
        )
    picture = client.screenshot()
    if not picture.startswith(b"\x89PNG"):
        return problem("picture stream", "the screenshot is no PNG")
    version = greeting.decode().strip()
    return ok("picture stream", f"{version} and a screenshot of {len(picture) // 1024 + 1} KiB")


def display_number(display: str) -> int:
    """Return 5 for `:5` or `:5.0`."""
    return int(display.rsplit(":", 1)[1].split(".", maxsplit=1)[0])


def release_text(release: int) -> str:
    """Return X.Org's release number as its version: 12101007 is 21.1.7."""
    major, minor = release // 100_000 % 100, release // 1000 % 100
    return f"{major}.{minor}.{release % 1000}" if release > 12_000_000 else str(release)


def _open_to_others(info: DisplayInfo) -> list[str]:
    paths = (Path(info.xauthority), Path(info.socket), Path(info.socket).parent)
    return [str(path) for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]
