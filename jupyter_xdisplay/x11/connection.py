"""One X connection with the few requests that several parts need."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xcffib
import xcffib.composite
import xcffib.damage
import xcffib.randr
import xcffib.shm
import xcffib.xfixes
import xcffib.xkb
import xcffib.xproto
import xcffib.xtest
from xcffib.ffi import ffi

from jupyter_xdisplay.errors import StartFailed

CHANGE_PROPERTY = struct.Struct("=xBxxIIIBxxxI")
CHANGE_PROPERTY_OPCODE = 18
CLIENT_MESSAGE = struct.Struct("=BBHII5I")
CLIENT_MESSAGE_CODE = 33

# xcffib knows the events and errors of those extensions only that are imported before it connects.


class X11Connection:
    """A connection to a display, with interned atoms.

    Parameters
    ----------
    display
        Value of DISPLAY, such as `:5`.
    xauthority
        Path of the cookie file. libXau takes it from the environment only (Xsecurity(7)), so
        this process has one cookie file at a time.

    Raises
    ------
    StartFailed
        When the server does not take the connection.
    """

    def __init__(self, display: str, xauthority: Path) -> None:
        os.environ["XAUTHORITY"] = str(xauthority)
        try:
            raw: Any = xcffib.connect(display=display)
        except xcffib.ConnectionException as error:
            raise StartFailed(f"No X server takes connections on {display}.") from error
        self.raw = raw
        self.core: Any = raw.core
        self.screen = self.raw.get_setup().roots[self.raw.pref_screen]
        self.root: int = self.screen.root
        self._atoms: dict[str, int] = {}
        self._extensions: dict[str, Any] = {}

    def atom(self, name: str) -> int:
        """Return the atom of that name (InternAtom)."""
        if name not in self._atoms:
            encoded = name.encode()
            self._atoms[name] = self.core.InternAtom(False, len(encoded), encoded).reply().atom
        return self._atoms[name]

    def property_bytes(self, window: int, name: str) -> bytes | None:
        """Return a property's raw value, None when it is not set or the window is gone."""
        try:
            reply = self.core.GetProperty(
                False, window, self.atom(name), xcffib.xproto.GetPropertyType.Any, 0, 1 << 16
            ).reply()
        except xcffib.xproto.WindowError:
            return None
        if reply.type == 0:
            return None
        return bytes(reply.value.buf())

    def property_numbers(self, window: int, name: str) -> list[int]:
        """Return a property of 32-bit values; empty when it is not set."""
        value = self.property_bytes(window, name) or b""
        return list(memoryview(value[: len(value) // 4 * 4]).cast("I"))

    def set_property(self, window: int, name: str, type_name: str, value: bytes) -> None:
        """Set an 8-bit property (ChangeProperty, mode Replace)."""
        self.core.ChangeProperty(
            xcffib.xproto.PropMode.Replace,
            window,
            self.atom(name),
            self.atom(type_name),
            8,
            len(value),
            value,
        )

    def change_property(
        self, window: int, name: int, kind: int, format_bits: int, value: bytes | memoryview
    ) -> None:
        """Set a property by its atoms (ChangeProperty, mode Replace).

        xcffib packs every byte for itself: far too slow for long values.
        """
        units = len(value) // (format_bits // 8)
        header = CHANGE_PROPERTY.pack(
            xcffib.xproto.PropMode.Replace, window, name, kind, format_bits, units
        )
        request = io.BytesIO()
        request.write(header)
        request.write(value)
        self.core.send_request(CHANGE_PROPERTY_OPCODE, request)

    def send_message(
        self, destination: int, window: int, kind: str, words: Sequence[int], event_mask: int = 0
    ) -> None:
        """Send a ClientMessage about `window` with up to five 32-bit words (SendEvent).

        Without an event mask it goes to the client that made the destination.
        """
        padded = [*words, *([0] * (5 - len(words)))]
        event = CLIENT_MESSAGE.pack(CLIENT_MESSAGE_CODE, 32, 0, window, self.atom(kind), *padded)
        self.core.SendEvent(False, destination, event_mask, event)

    def flush(self) -> None:
        """Send what is buffered."""
        self.raw.flush()

    def close(self) -> None:
        """Disconnect."""
        self.raw.disconnect()

    def has_extension(self, key: Any) -> bool:
        """Return whether the server has an extension: asking one that it lacks ends the connection.

        QueryExtension of the core protocol.
        """
        name = key.name.encode()
        return bool(self.core.QueryExtension(len(name), name).reply().present)

    def extension(self, key: Any, *version: int) -> Any:
        """Return an extension's requests, such as `xcffib.randr.key`.

        With `version` (major, minor) that is told first, once: XFixes, DAMAGE and others refuse
        everything before their QueryVersion.
        """
        requests = self._extensions.get(key.name) if version else self.raw(key)
        if requests is None:
            requests = self.raw(key)
            requests.QueryVersion(*version).reply()
            self._extensions[key.name] = requests
        return requests

    def reply_buffer(self, cookie: Any) -> memoryview:
        """Wait for a reply and return its bytes as they are on the wire, header included.

        xcffib makes a Python number of every byte of a list: far too slow for pictures.
        """
        unpacker = self.raw.wait_for_reply(cookie.sequence)
        return memoryview(ffi.buffer(unpacker.cdata, unpacker.known_max))
