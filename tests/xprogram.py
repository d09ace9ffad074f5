"""A small X program: `python -m tests.xprogram window|grab|quiet …`.

It draws windows, grabs the server, or is just connected; prints `ready`; ends with its standard
input, or with status 1 when the X server hangs up. A line on its input makes a program that
answers pings stop answering, and the next one answer again, while it reads its events all along.
"""

from __future__ import annotations

import argparse
import os
import select
import struct
import sys
from typing import Any

import xcffib
import xcffib.xproto as x


class Program:
    """The program's connection, its windows, and its loop.

    Parameters
    ----------
    arguments
        The parsed command line.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._connection: Any = xcffib.connect()
        self._core = self._connection.core
        self._root = self._connection.get_setup().roots[0].root
        self._answering = True

    def show(self) -> None:
        """Do what was asked for, and say that it is done."""
        if self._arguments.kind == "window":
            for number in range(self._arguments.count):
                self._map_window(20 + number)
        elif self._arguments.kind == "grab":
            self._core.GrabServer(is_checked=True).check()
        self._core.GetInputFocus().reply()  # all of it has been taken
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    def run(self) -> None:
        """Read events and input until either ends."""
        display = self._connection.get_file_descriptor()
        while True:
            ready, _, _ = select.select([display, 0], [], [])
            if 0 in ready:
                if not os.read(0, 64):
                    return
                self._answering = not self._answering
            while (event := self._connection.poll_for_event()) is not None:
                if isinstance(event, x.ClientMessageEvent) and self._answering:
                    self._answer(event)

    def _map_window(self, place: int) -> None:
        window = self._connection.generate_id()
        self._core.CreateWindow(
            xcffib.CopyFromParent,
            window,
            self._root,
            *(place, place, 200, 100, 0),
            x.WindowClass.InputOutput,
            xcffib.CopyFromParent,
            x.CW.BackPixel,
            [self._arguments.colour],
        )
        self._set(window, "_NET_WM_NAME", "UTF8_STRING", 8, self._arguments.title.encode())
        self._set(window, "WM_CLASS", "STRING", 8, b"xclient\0XClient\0")
        if self._arguments.ping:
            atom = self._atom("_NET_WM_PING").to_bytes(4, sys.byteorder)
            self._set(window, "WM_PROTOCOLS", "ATOM", 32, atom)
        self._core.MapWindow(window)

    def _answer(self, event: x.ClientMessageEvent) -> None:
        """Send a ping back to the root window (EWMH, `_NET_WM_PING`)."""
        if event.type == self._atom("WM_PROTOCOLS"):
            words = list(event.data.data32)
            answer = struct.pack("=BBHII5I", 33, 32, 0, self._root, event.type, *words)
            mask = x.EventMask.SubstructureNotify | x.EventMask.SubstructureRedirect
            self._core.SendEvent(False, self._root, mask, answer)
            self._connection.flush()

    def _atom(self, name: str) -> int:
        atom: int = self._core.InternAtom(False, len(name), name.encode()).reply().atom
        return atom

    def _set(self, window: int, name: str, kind: str, size: int, value: bytes) -> None:
        atoms = self._atom(name), self._atom(kind)
        length = len(value) * 8 // size
        self._core.ChangeProperty(x.PropMode.Replace, window, *atoms, size, length, value)


def main() -> None:
    """Run until the end of the input."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["window", "grab", "quiet"])
    parser.add_argument("--title", default="")
    parser.add_argument("--colour", type=lambda text: int(text, 16), default=0xFF0000)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--ping", action="store_true", help="take part in _NET_WM_PING")
    try:
        program = Program(parser.parse_args())
        program.show()
        program.run()
    except xcffib.ConnectionException:
        sys.exit(1)  # the X server hung up, as it does on KillClient


if __name__ == "__main__":
    main()
