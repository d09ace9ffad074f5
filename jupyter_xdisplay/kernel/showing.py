"""The subcommands of `%xdisplay` that show something: windows inline, desktops, pictures."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from jupyter_xdisplay.kernel import describe, values
from jupyter_xdisplay.spec import DisplaySpec

if TYPE_CHECKING:
    import argparse

    from jupyter_xdisplay.kernel.display import Display
    from jupyter_xdisplay.kernel.session import Session


def start(session: Session, options: argparse.Namespace) -> None:
    """Start (or take) a display; windows appear inline."""
    spec = values.display_spec(session, options)
    present(session, spec, max_inline=values.max_inline(options))


def desktop(session: Session, options: argparse.Namespace) -> None:
    """Show a whole display; start it first, where none runs."""
    display = _start(session, values.display_spec(session, options))
    _say(describe.line(display.known_info, keeper=session.host.keeper))
    if session.has_notebook():
        session.show(display)


def show(session: Session, options: argparse.Namespace) -> None:
    """Show the windows that are open once more."""
    display = session.get(options.name)
    shell = session.notebook()
    inline = shell.start_inline(display)
    inline.catch_up()
    assert shell.cells is not None
    if inline.show_all(shell.cells.begin()) == 0:
        _say("No window is open. The whole desktop: %xdisplay desktop")


def inline(session: Session, options: argparse.Namespace) -> None:
    """Let windows appear inline, or no longer."""
    display = session.get(options.name)
    shell = session.notebook()
    if options.switch == "off":
        shell.stop_inline(display)
        _say("Windows appear on the desktop only: %xdisplay desktop")
        return
    _arm(session, display, values.max_inline(options))
    _say("Windows that open from now on appear under their cells.")


def capture(session: Session, options: argparse.Namespace) -> None:
    """Run a cell; leave pictures of its windows."""
    from jupyter_xdisplay.kernel.inline import capture_cell

    shell = session.notebook()
    if options.name or session.current is not None:
        display = session.get(options.name)
    else:
        display = _start(session, DisplaySpec(inline=True))
    was_on = shell.inline(display) is not None
    windows = shell.start_inline(display)
    try:
        capture_cell.capture(shell, windows, options.cell, values.wait_s(options))
    finally:
        if not was_on:
            shell.stop_inline(display)


def present(session: Session, spec: DisplaySpec, *, max_inline: int | None = None) -> Display:
    """Start a display, say so in one line, and let windows appear inline; return it."""
    display = _start(session, dataclasses.replace(spec, inline=session.has_notebook()))
    line = describe.line(display.known_info, keeper=session.host.keeper)
    if not session.has_notebook():
        _say(line)
        return display
    _arm(session, display, max_inline)
    views = session.notebook().views
    assert views is not None
    views.show_line(display, line, via_server=session.host.via_server)
    return display


def current_or_new(session: Session, name: str | None) -> Display:
    """Return the display to use; start one where none runs."""
    if name is not None:
        return session.get(name)
    current = session.current
    if current is not None and current.info.state == "running":
        return current
    return present(session, DisplaySpec(name=values.default_name(session)))


def _arm(session: Session, display: Display, max_inline: int | None) -> None:
    windows = session.notebook().start_inline(display)
    if max_inline is not None:
        windows.max_inline = max_inline
        windows.take_held_back()


def _start(session: Session, spec: DisplaySpec) -> Display:
    started = session.start(spec)
    for notice in started.notices:
        _say(notice)
    return started.display


def _say(text: str) -> None:
    print(text)  # noqa: T201
