"""The clipboard of all viewers of one display: one thread, one X connection.

To viewers: what a program puts on CLIPBOARD is read at once. PRIMARY, which is all that xterm and
the middle mouse button know, is read too, so that a text that is only selected can be copied in
the browser, as with TigerVNC's `SendPrimary`. But a selection is taken anew at each step of the
mouse that makes it: so PRIMARY is read when it has not changed for `REST_S`, and not at all when
something was copied to CLIPBOARD meanwhile, which says better what is meant. CLIPBOARD is read no
more often than every `REST_S`. Without viewers nothing is read; a viewer that comes is told what
is copied from then on: its own clipboard is not overwritten by its coming.

From viewers: the text is owned as CLIPBOARD and PRIMARY, for Ctrl+V and for the middle button,
until a program takes them, also after the viewer has left. It goes to no viewer: neither when we
own it, nor when a clipboard manager takes it over within `ECHO_S`.

Tk does not take CLIPBOARD anew when it copies again what is its own already (tkClipboard.c), and
so nobody is told of the second text of a Tk program until another one has copied in between.

A thread of its own, not that of `Inputs`: programs that ask and answer slowly hold up no key.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import xcffib

from jupyter_xdisplay.errors import UsageError, XDisplayError
from jupyter_xdisplay.rfb.limits import MAX_CLIPBOARD_BYTES
from jupyter_xdisplay.x11.clipboard import Clipboard
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events

REST_S = 0.2
ECHO_S = 2.0

log = logging.getLogger(__name__)

Told = Callable[[str], None]


class Selections:
    """Carries texts between the selections of a display and its viewers.

    Its methods only note what to do; texts beyond `MAX_CLIPBOARD_BYTES` (UTF-8) go neither way.
    Of the texts that viewers offer while the X server does not answer the newest one counts.

    Parameters
    ----------
    display, xauthority
        Where to connect.
    """

    def __init__(self, display: str, xauthority: Path) -> None:
        self._where = (display, xauthority)
        self._lock = threading.Lock()
        self._told: dict[object, Told] = {}
        self._offered: str | None = None
        self._owned: list[Callable[[], None]] = []
        self._closing = False
        self._due_s: dict[str, float] = {}
        self._reading: set[str] = set()
        self._read_s = 0.0
        self._ours: tuple[str, float] = ("", 0.0)
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.thread = threading.Thread(target=self._run, name="rfb-selections", daemon=True)
        self.thread.start()

    def listen(self, viewer: object, told: Told) -> None:
        """Tell a viewer from now on what programs copy; `told` is called in this thread."""
        with self._lock:
            self._told[viewer] = told

    def forget(self, viewer: object) -> None:
        """Tell it no more; the text that it offered stays."""
        with self._lock:
            self._told.pop(viewer, None)

    def offer(self, text: str, owned: Callable[[], None]) -> None:
        """Give programs a text that a viewer copied; `owned` is called when they get it.

        It is called in this thread, also when the text could not be taken.
        """
        with self._lock:
            self._offered = text
            self._owned.append(owned)
            self._wake()

    def close(self) -> None:
        """End the thread soon, and own nothing from then on."""
        with self._lock:
            self._closing = True
            self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # the thread has ended, or is awake already
            os.write(self._wake_write, b"w")

    # The thread

    def _run(self) -> None:
        try:
            x = X11Connection(*self._where)
            events = Events(x)
            clipboard = Clipboard(x, events, self._changed, max_bytes=MAX_CLIPBOARD_BYTES)
            while not self._closing:
                self._own(x, clipboard)
                wait_s = self._read(clipboard)
                if events.wait(wait_s, [self._wake_read]):
                    os.read(self._wake_read, 4096)
            clipboard.close()
            x.close()
        except (xcffib.ConnectionException, XDisplayError):
            pass  # the X server is gone
        finally:
            with self._lock:
                os.close(self._wake_read)
                self._wake_write, closed = -1, self._wake_write
                os.close(closed)

    def _own(self, x: X11Connection, clipboard: Clipboard) -> None:
        with self._lock:
            text, self._offered = self._offered, None
            waiting, self._owned = self._owned, []
        if text is not None:
            try:
                clipboard.set_text(text)
            except UsageError as error:
                log.warning("A viewer's text was not taken: %s", error.message)
            else:
                self._ours = (text, time.monotonic())
                self._due_s.clear()
                x.core.GetInputFocus().reply()  # the server has done it
        for owned in waiting:
            owned()

    def _changed(self, selection: str) -> None:
        now = time.monotonic()
        if selection == "PRIMARY":
            self._due_s[selection] = now + REST_S
        else:
            self._due_s = {selection: max(now, self._read_s + REST_S)}

    def _read(self, clipboard: Clipboard) -> float | None:
        """Read what is due; return the seconds until there is more to do."""
        clipboard.check()  # who does not answer is given up, and what came meanwhile is due
        now = time.monotonic()
        due = {name: due_s for name, due_s in self._due_s.items() if name not in self._reading}
        for selection in [name for name, due_s in due.items() if due_s <= now]:
            del self._due_s[selection], due[selection]
            with self._lock:
                wanted = bool(self._told)
            if wanted:
                self._read_s = now
                self._reading.add(selection)
                clipboard.read(selection, partial(self._have, selection))
        waits = [due_s - now for due_s in due.values()]
        checked_s = clipboard.check()
        if checked_s is not None:
            waits.append(checked_s)
        return max(0.0, min(waits)) if waits else None

    def _have(self, selection: str, text: str | None) -> None:
        """Tell the viewers a text, unless it has changed while it was on its way."""
        self._reading.discard(selection)
        ours, since_s = self._ours
        if not text or selection in self._due_s:
            return
        if text == ours and time.monotonic() - since_s < ECHO_S:
            return
        with self._lock:
            listeners = list(self._told.values())
        for told in listeners:
            told(text)
