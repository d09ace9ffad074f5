"""Draw one pixel with OpenGL on `$DISPLAY` and read it back: `python -m ….gl_probe`.

Runs in a process of its own, because a broken driver crashes. Prints one JSON object: either
`vendor`, `renderer`, `version`, `glx`, `direct`, `drawn` and `shown`, or `step` and `error`.
Functions and constants are those of GLX 1.4 (glxext.h), OpenGL 1.1 (gl.h) and Xlib.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from ctypes import POINTER, Structure, byref, c_char_p, c_float, c_int, c_long, c_uint, c_void_p
from ctypes import c_ulong as xid
from typing import Any

GLX_RGBA, GLX_DOUBLEBUFFER, GLX_DEPTH_SIZE = 4, 5, 12
GLX_RED_SIZE, GLX_GREEN_SIZE, GLX_BLUE_SIZE = 8, 9, 10
GL_COLOR_BUFFER_BIT, GL_BACK, GL_RGBA, GL_UNSIGNED_BYTE = 0x4000, 0x0405, 0x1908, 0x1401
GL_VENDOR, GL_RENDERER, GL_VERSION = 0x1F00, 0x1F01, 0x1F02
CW_BORDER_PIXEL, CW_OVERRIDE_REDIRECT, CW_COLORMAP = 1 << 3, 1 << 9, 1 << 13
INPUT_OUTPUT, Z_PIXMAP = 1, 2
SIDE = 32
COLOUR = (51, 102, 204)
"""Red, green and blue of the frame that is drawn."""

_SHOWN_WITHIN_S = 2.0


class ProbeError(Exception):
    """A step that failed: `step` names it."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step


class _VisualInfo(Structure):
    _fields_ = [
        ("visual", c_void_p), ("visualid", xid), ("screen", c_int), ("depth", c_int),
        ("c_class", c_int), ("red_mask", xid), ("green_mask", xid), ("blue_mask", xid),
        ("colormap_size", c_int), ("bits_per_rgb", c_int),
    ]  # fmt: skip


class _WindowAttributes(Structure):
    _fields_ = [
        ("background_pixmap", xid), ("background_pixel", xid), ("border_pixmap", xid),
        ("border_pixel", xid), ("bit_gravity", c_int), ("win_gravity", c_int),
        ("backing_store", c_int), ("backing_planes", xid), ("backing_pixel", xid),
        ("save_under", c_int), ("event_mask", c_long), ("do_not_propagate_mask", c_long),
        ("override_redirect", c_int), ("colormap", xid), ("cursor", xid),
    ]  # fmt: skip


class _ErrorEvent(Structure):
    _fields_ = [
        ("type", c_int), ("display", c_void_p), ("resourceid", xid), ("serial", xid),
        ("error_code", ctypes.c_ubyte), ("request_code", ctypes.c_ubyte),
        ("minor_code", ctypes.c_ubyte),
    ]  # fmt: skip


class _ImageHead(Structure):
    """The first fields of XImage; the rest is not used."""

    _fields_ = [
        ("width", c_int), ("height", c_int), ("xoffset", c_int), ("format", c_int),
        ("data", POINTER(ctypes.c_ubyte)),
    ]  # fmt: skip


_ErrorHandler = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(_ErrorEvent))


def _load(name: str) -> Any:
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise ProbeError("library", str(error)) from error


class GlProbe:
    """An X connection, a window and a GLX context, each made by its own step."""

    def __init__(self) -> None:
        self.x = _load("libX11.so.6")
        self.gl = _load("libGL.so.1")
        self._declare()
        self.x_errors: list[tuple[int, int]] = []
        self._handler = _ErrorHandler(self._on_error)  # kept: Xlib holds only the address
        self.x.XSetErrorHandler(self._handler)
        self.display = self.x.XOpenDisplay(None)
        if not self.display:
            raise ProbeError("display", "the display cannot be opened")

    def _declare(self) -> None:
        for function, result, arguments in (
            (self.x.XOpenDisplay, c_void_p, [c_char_p]),
            (self.x.XDefaultRootWindow, xid, [c_void_p]),
            (self.x.XDefaultScreen, c_int, [c_void_p]),
            (self.x.XSync, c_int, [c_void_p, c_int]),
            (self.x.XMapRaised, c_int, [c_void_p, xid]),
            (self.x.XCreateColormap, xid, [c_void_p, xid, c_void_p, c_int]),
            (self.x.XCreateWindow, xid, [c_void_p, xid, c_int, c_int, c_uint, c_uint, c_uint,
                c_int, c_uint, c_void_p, xid, POINTER(_WindowAttributes)]),
            (self.x.XGetImage, POINTER(_ImageHead),
                [c_void_p, xid, c_int, c_int, c_uint, c_uint, xid, c_int]),
            (self.gl.glXQueryExtension, c_int, [c_void_p, POINTER(c_int), POINTER(c_int)]),
            (self.gl.glXQueryVersion, c_int, [c_void_p, POINTER(c_int), POINTER(c_int)]),
            (self.gl.glXChooseVisual, POINTER(_VisualInfo), [c_void_p, c_int, POINTER(c_int)]),
            (self.gl.glXCreateContext, c_void_p,
                [c_void_p, POINTER(_VisualInfo), c_void_p, c_int]),
            (self.gl.glXMakeCurrent, c_int, [c_void_p, xid, c_void_p]),
            (self.gl.glXIsDirect, c_int, [c_void_p, c_void_p]),
            (self.gl.glXSwapBuffers, None, [c_void_p, xid]),
            (self.gl.glGetString, c_char_p, [c_uint]),
            (self.gl.glClearColor, None, [c_float] * 4),
            (self.gl.glClear, None, [c_uint]),
            (self.gl.glReadBuffer, None, [c_uint]),
            (self.gl.glReadPixels, None,
                [c_int, c_int, c_int, c_int, c_uint, c_uint, c_void_p]),
        ):  # fmt: skip
            function.restype, function.argtypes = result, arguments

    def _on_error(self, _display: int, event: Any) -> int:
        self.x_errors.append((event.contents.error_code, event.contents.request_code))
        return 0

    def _failed(self, step: str, message: str) -> ProbeError:
        if self.x_errors:
            code, request = self.x_errors[-1]
            message += f" (X error {code} on request {request})"
        return ProbeError(step, message)

    def glx_version(self) -> str:
        """Return the GLX version, such as `1.4`."""
        major, minor = c_int(), c_int()
        if not self.gl.glXQueryExtension(self.display, byref(major), byref(minor)):
            raise ProbeError("glx", "the X server has no GLX extension")
        if not self.gl.glXQueryVersion(self.display, byref(major), byref(minor)):
            raise self._failed("glx", "glXQueryVersion failed")
        return f"{major.value}.{minor.value}"

    def choose_visual(self) -> Any:
        """Return the visual that most programs ask for: RGB, double-buffered, with depth."""
        wanted = (
            GLX_RGBA, GLX_DOUBLEBUFFER, GLX_RED_SIZE, 8, GLX_GREEN_SIZE, 8, GLX_BLUE_SIZE, 8,
            GLX_DEPTH_SIZE, 16, 0,
        )  # fmt: skip
        array = (c_int * len(wanted))(*wanted)
        visual = self.gl.glXChooseVisual(self.display, self.x.XDefaultScreen(self.display), array)
        if not visual:
            raise self._failed("visual", "couldn't get an RGB, Double-buffered visual")
        return visual

    def make_window(self, visual: Any) -> int:
        """Map a window of that visual, apart from the window manager; return its id."""
        root = self.x.XDefaultRootWindow(self.display)
        attributes = _WindowAttributes(override_redirect=1)
        attributes.colormap = self.x.XCreateColormap(self.display, root, visual.contents.visual, 0)
        window = self.x.XCreateWindow(
            self.display, root, 0, 0, SIDE, SIDE, 0, visual.contents.depth, INPUT_OUTPUT,
            visual.contents.visual, CW_BORDER_PIXEL | CW_OVERRIDE_REDIRECT | CW_COLORMAP,
            byref(attributes),
        )  # fmt: skip
        self.x.XMapRaised(self.display, window)
        self.x.XSync(self.display, 0)
        return int(window)

    def make_context(self, visual: Any, window: int) -> bool:
        """Make a context and make it current; return whether it is a direct one."""
        context = self.gl.glXCreateContext(self.display, visual, None, 1)
        self.x.XSync(self.display, 0)
        if not context or self.x_errors:
            raise self._failed("context", "glXCreateContext failed")
        if not self.gl.glXMakeCurrent(self.display, window, context):
            raise self._failed("context", "glXMakeCurrent failed")
        return bool(self.gl.glXIsDirect(self.display, context))

    def draw(self) -> bool:
        """Fill the frame; return whether the back buffer has its colour."""
        self.gl.glClearColor(*(part / 255 for part in COLOUR), 1.0)
        self.gl.glClear(GL_COLOR_BUFFER_BIT)
        self.gl.glFinish()
        pixel = (ctypes.c_ubyte * 4)()
        self.gl.glReadBuffer(GL_BACK)
        self.gl.glReadPixels(SIDE // 2, SIDE // 2, 1, 1, GL_RGBA, GL_UNSIGNED_BYTE, pixel)
        return _close(tuple(pixel[:3]))

    def show(self, window: int) -> bool:
        """Swap the buffers; return whether the colour arrives in the X server's window."""
        self.gl.glXSwapBuffers(self.display, window)
        deadline = time.monotonic() + _SHOWN_WITHIN_S
        while time.monotonic() < deadline:
            self.x.XSync(self.display, 0)
            image = self.x.XGetImage(
                self.display, window, SIDE // 2, SIDE // 2, 1, 1, 0xFFFFFFFF, Z_PIXMAP
            )
            if image and _close(tuple(reversed(image.contents.data[:3]))):
                return True
            time.sleep(0.02)
        return False

    def string(self, name: int) -> str:
        """Return a string of glGetString(3G)."""
        return (self.gl.glGetString(name) or b"").decode(errors="replace")


def _close(colour: tuple[int, ...]) -> bool:
    return all(abs(got - want) <= 2 for got, want in zip(colour, COLOUR, strict=True))


def probe() -> dict[str, Any]:
    """Return what a real context on `$DISPLAY` says of itself.

    Raises
    ------
    ProbeError
        With the step that failed: library, display, glx, visual, context or draw.
    """
    gl = GlProbe()
    glx = gl.glx_version()
    visual = gl.choose_visual()
    window = gl.make_window(visual)
    direct = gl.make_context(visual, window)
    found = {
        "vendor": gl.string(GL_VENDOR),
        "renderer": gl.string(GL_RENDERER),
        "version": gl.string(GL_VERSION),
        "glx": glx,
        "direct": direct,
    }
    if not found["renderer"]:
        raise ProbeError("context", "the context names no renderer")
    return {**found, "drawn": gl.draw(), "shown": gl.show(window)}


def main() -> int:
    """Print what was found as JSON; 0 when a frame was drawn, else 1."""
    try:
        found = probe()
    except ProbeError as error:
        found = {"step": error.step, "error": str(error)}
    sys.stdout.write(json.dumps(found) + "\n")
    return 0 if found.get("drawn") else 1


if __name__ == "__main__":
    sys.exit(main())
