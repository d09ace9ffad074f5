"""Programs and libraries: are they there, and in which version."""

from __future__ import annotations

import shutil

from jupyter_xdisplay.doctor.check import Check, note, ok, problem
from jupyter_xdisplay.doctor.process import run_program
from jupyter_xdisplay.setup.parts import PARTS, Part
from jupyter_xdisplay.setup.probe import missing_parts

SETUP = "jupyter xdisplay setup"

_VERSION_ARGUMENTS = {"x11vnc": "-version", "openbox": "--version", "xkbcomp": "-version"}
"""Xvfb has none: its version comes with the handshake."""


def program_checks() -> list[Check]:
    """Return one finding for each program that a display needs."""
    return [_program(part) for part in PARTS if part.programs]


def library_check() -> Check:
    """Return whether the shared libraries and drivers of programs are there."""
    parts = [part for part in PARTS if part.libraries or part.files]
    missing = missing_parts(parts)
    if not missing:
        return ok("libraries", f"all {len(parts)} are there (X11, OpenGL, Qt's xcb plugin)")
    names = ", ".join(part.name for part in missing)
    uses = "; ".join(dict.fromkeys(part.why for part in missing))
    finding = problem if any(part.required for part in missing) else note
    return finding("libraries", f"missing: {names} (for {uses})", SETUP)


def font_check() -> Check:
    """Return whether programs have fonts to write with."""
    parts = [part for part in PARTS if part.fonts]
    missing = missing_parts(parts)
    if not missing:
        return ok("fonts", ", ".join(part.name for part in parts))
    names = ", ".join(part.name for part in missing)
    if len(missing) < len(parts):
        return note("fonts", f"missing: {names} (some scripts show as boxes)", SETUP)
    return problem("fonts", f"missing: {names} (programs show boxes instead of text)", SETUP)


def _program(part: Part) -> Check:
    path = next(filter(None, map(shutil.which, part.programs)), None)
    if path is None and part.optional:
        return note(part.name, f"is not installed: {part.why} ({SETUP} --with {part.name})")
    if path is None:
        detail = f"is not installed (or not on PATH): {part.why}"
        return problem(part.name, detail, SETUP)
    return ok(part.name, " ".join(filter(None, (_version(part.name, path), f"({path})"))))


def _version(name: str, path: str) -> str:
    if name not in _VERSION_ARGUMENTS:
        return ""
    result = run_program([path, _VERSION_ARGUMENTS[name]], timeout_s=5.0)
    words = (result.output or result.errors).split()
    return next((word for word in words if word[0].isdigit()), "")
