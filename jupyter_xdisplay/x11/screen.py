"""The screen: its size through RANDR 1.2, its pixels through GetImage."""

from __future__ import annotations

import io

import xcffib
import xcffib.randr
import xcffib.xproto

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.spec import Size, check_size
from jupyter_xdisplay.x11.connection import X11Connection

MM_PER_INCH = 25.4
BACKGROUND = 0x2F343D
"""Colour of the empty screen, 0xRRGGBB: quiet beside light and dark notebooks."""


class Screen:
    """The one screen of a display.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    dpi
        Dots per inch, kept over resizes.
    """

    def __init__(self, connection: X11Connection, dpi: int) -> None:
        self._x = connection
        self._dpi = dpi
        self._randr = connection.extension(xcffib.randr.key)
        self._own_mode: int | None = None

    @property
    def size(self) -> Size:
        """Width and height in pixels now."""
        geometry = self._x.core.GetGeometry(self._x.root).reply()
        return Size(geometry.width, geometry.height)

    @property
    def max_size(self) -> Size:
        """The largest size that RANDR allows (RRGetScreenSizeRange)."""
        reply = self._randr.GetScreenSizeRange(self._x.root).reply()
        return Size(reply.max_width, reply.max_height)

    def prepare(self) -> None:
        """Set the background and the `Xft.dpi` resource that Qt and GTK read."""
        if self._x.screen.root_depth == 24:
            self._x.core.ChangeWindowAttributes(
                self._x.root, xcffib.xproto.CW.BackPixel, [BACKGROUND]
            )
        self._x.core.ClearArea(False, self._x.root, 0, 0, 0, 0)
        resources = f"Xft.dpi:\t{self._dpi}\nXft.antialias:\t1\nXft.hinting:\t1\n"
        self._x.set_property(self._x.root, "RESOURCE_MANAGER", "STRING", resources.encode())
        self._x.flush()

    def resize(self, size: Size) -> Size:
        """Give the screen another size; return the size that it has then.

        A mode of that size is made where there is none. The CRTC is off while the screen
        changes, as it may never reach beyond the screen (RANDR 1.2, RRSetScreenSize).

        Raises
        ------
        UsageError
            When the size is beyond what the X server was started with.
        """
        check_size(size, largest=self.max_size)
        if size == self.size:
            return size
        resources = self._randr.GetScreenResourcesCurrent(self._x.root).reply()
        crtc, output = resources.crtcs[0], resources.outputs[0]
        former = self._own_mode
        mode = self._mode(size, resources, output)
        self._x.core.GrabServer()
        try:
            self._set_crtc(crtc, mode=0, outputs=[])
            self._randr.SetScreenSize(
                self._x.root, *size, *(self._millimetres(side) for side in size), is_checked=True
            ).check()
            self._set_crtc(crtc, mode=mode, outputs=[output])
        except xcffib.XcffibException as error:
            raise UsageError(
                f"The X server refused the size {size}.", fix="use a smaller size"
            ) from error
        finally:
            self._x.core.UngrabServer()
            self._x.flush()
        if former is not None and former != mode:
            self._forget_mode(output, former)
        return self.size

    def png(self) -> bytes:
        """Return a picture of the whole screen as PNG."""
        from PIL import Image

        size = self.size
        reply = self._x.core.GetImage(
            xcffib.xproto.ImageFormat.ZPixmap, self._x.root, 0, 0, *size, 0xFFFFFFFF
        ).reply()
        pixels = bytes(reply.data.buf())
        layout = "BGRX" if reply.depth in {24, 32} else "BGR;16"
        stride = len(pixels) // size.height
        picture = Image.frombuffer("RGB", size, pixels, "raw", layout, stride, 1)
        file = io.BytesIO()
        picture.save(file, "PNG", compress_level=3)
        return file.getvalue()

    def _millimetres(self, pixels: int) -> int:
        return max(1, round(pixels * MM_PER_INCH / self._dpi))

    def _mode(
        self, size: Size, resources: xcffib.randr.GetScreenResourcesCurrentReply, output: int
    ) -> int:
        listed = self._randr.GetOutputInfo(output, resources.config_timestamp).reply().modes
        for mode in resources.modes:
            if (mode.width, mode.height) == size:
                if mode.id not in list(listed):
                    self._randr.AddOutputMode(output, mode.id, is_checked=True).check()
                return int(mode.id)
        name = str(size).encode()
        timing = xcffib.randr.ModeInfo.synthetic(
            id=0,
            width=size.width,
            height=size.height,
            dot_clock=size.width * size.height * 60,
            hsync_start=size.width,
            hsync_end=size.width,
            htotal=size.width,
            hskew=0,
            vsync_start=size.height,
            vsync_end=size.height,
            vtotal=size.height,
            name_len=len(name),
            mode_flags=0,
        )
        made = self._randr.CreateMode(self._x.root, timing, len(name), name).reply().mode
        self._randr.AddOutputMode(output, made, is_checked=True).check()
        self._own_mode = int(made)
        return int(made)

    def _forget_mode(self, output: int, mode: int) -> None:
        """Remove a mode made earlier, so that dragging a size makes no endless list."""
        self._randr.DeleteOutputMode(output, mode, is_checked=True).check()
        self._randr.DestroyMode(mode, is_checked=True).check()
        if self._own_mode == mode:
            self._own_mode = None

    def _set_crtc(self, crtc: int, *, mode: int, outputs: list[int]) -> None:
        self._randr.SetCrtcConfig(
            crtc,
            xcffib.CurrentTime,
            xcffib.CurrentTime,
            0,
            0,
            mode,
            xcffib.randr.Rotation.Rotate_0,
            len(outputs),
            outputs,
        ).reply()
