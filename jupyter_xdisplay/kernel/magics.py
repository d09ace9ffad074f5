"""The line magic `%xdisplay`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import KernelConnected, StartFailed, UsageError, XDisplayError
from jupyter_xdisplay.kernel import arguments, describe, programs, showing
from jupyter_xdisplay.kernel.session import get_session
from jupyter_xdisplay.spec import parse_size

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from jupyter_xdisplay.kernel.display import Display
    from jupyter_xdisplay.kernel.programs import Program
    from jupyter_xdisplay.kernel.session import Session
    from jupyter_xdisplay.spec import DisplayInfo

RUN_WAIT_S = 1.0
"""How long `run` waits for a first window, or for an end at once."""

POLL_S = 0.05

PRICE = (
    "This kernel's own process is connected to {display}: ending it ends this process, with all "
    "variables and everything that runs in it."
)


def xdisplay(line: str, cell: str | None = None) -> None:  # noqa: D103 (the help that users see)
    try:
        subcommand, options = arguments.parse(line)
        if (cell is None) == (subcommand == "capture"):
            raise UsageError(
                f"{subcommand} stands before a line, and capture before a whole cell.",
                fix="%%xdisplay capture" if cell is None else f"%xdisplay {line}".rstrip(),
            )
        options.cell = cell
        _COMMANDS[subcommand](get_session(), options)
    except arguments.HelpRequested as text:
        say(str(text))
    except XDisplayError as error:
        # The cell fails (and "Run all" stops), but shows no traceback through our code.
        lines = render(error)
        error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
        raise


xdisplay.__doc__ = arguments.HELP


def say(text: str) -> None:
    """Print for the user."""
    print(text)  # noqa: T201


def render(error: XDisplayError) -> list[str]:
    """Return the lines that IPython shows in place of a traceback."""
    first, *rest = str(error).split("\n")
    return [f"\x1b[31m{type(error).__name__}\x1b[0m: {first}", *rest]


def stop(session: Session, options: argparse.Namespace) -> None:
    """Stop one display or all."""
    if options.yes and not options.force:
        raise UsageError("--yes goes with --force.", fix="%xdisplay stop --force --yes")
    if options.all:
        running = [display for display in session.all() if display.known_info.state != "ended"]
        if not running:
            say("There is no display.")
    else:
        running = [session.get(options.name)]
    for display in running:
        _stop_one(session, display, options)


def status(session: Session, options: argparse.Namespace) -> None:
    """Show everything about a display and this process."""
    display = session.get(options.name)
    info = display.info
    viewers = display.viewers() if info.viewers else []
    shell = session.shell
    extra = [
        ("kept by", session.host.keeper),
        ("GUI event loop", shell.gui.state if shell is not None else ""),
        ("environment", "\n".join(session.environment.describe())),
        ("programs", "\n".join(_program_line(program) for program in programs.started())),
    ]
    _publish(describe.status(info, extra, viewers))


def list_all(session: Session, _options: argparse.Namespace) -> None:
    """List the displays."""
    infos = [display.info for display in session.all()]
    if not infos:
        say("No display yet. To start one: %xdisplay")
        return
    _publish(describe.overview(infos, session.current.id if session.current else None))


def snapshot(session: Session, options: argparse.Namespace) -> None:
    """Show a picture of the screen, or write it to a file."""
    display = session.get(options.name)
    if options.file:
        image = display.snapshot(options.file)
        say(f"{options.file}: {image.width}x{image.height} pixels")
        return
    from IPython.display import Image
    from IPython.display import display as publish

    publish(Image(data=display.png(), format="png"))


def resize(session: Session, options: argparse.Namespace) -> None:
    """Give the screen another size."""
    display = session.get(options.name)
    size = display.resize(parse_size(options.size, largest=display.known_info.max_size))
    say(f"Display {display.name!r} is {size} now.")


def vnc(session: Session, options: argparse.Namespace) -> None:
    """Open a VNC port, or close it."""
    from jupyter_xdisplay.kernel.vnc import describe as describe_vnc
    from jupyter_xdisplay.kernel.vnc import read_port

    display = session.get(options.name)
    if options.stop:
        was_open = display.info.vnc
        display.stop_vnc()
        say(f"The VNC port {was_open} is closed." if was_open else "No VNC port is open.")
        return
    access = display.vnc(
        read_port(options.port),
        listen=options.listen,
        password=options.password,
        view_only=options.view_only,
    )
    say(
        describe_vnc(
            access,
            show_password=options.password is None,
            in_container=display.known_info.runtime != "local",
        )
    )


def gui(session: Session, options: argparse.Namespace) -> None:
    """Choose the toolkit for `plt.show()`."""
    from jupyter_xdisplay.kernel.gui import toolkits

    if options.toolkit:
        wanted = toolkits.check_gui_name(options.toolkit)
        if wanted != "off":
            toolkits.choose(wanted)
            showing.current_or_new(session, None)
    if session.shell is None:
        say("GUI event loop: off")
    elif options.toolkit:
        say(session.shell.gui.select(options.toolkit))
    else:
        say(f"GUI event loop: {session.shell.gui.state}")


def run(session: Session, options: argparse.Namespace) -> None:
    """Start a program."""
    programs.find(options.program[0], os.environ)
    display = showing.current_or_new(session, options.name)
    program = display.start_program(options.program, keep_output=True)
    _wait_for_window(display, program)
    code = program.popen.poll()
    if code is None:
        return
    output = program.last_lines(200)
    if code != 0:
        raise StartFailed(
            f"{options.program[0]} ended at once, {_exit_text(code)}.", log=output[-30:]
        )
    if output:
        say("\n".join(output))


def doctor(session: Session, _options: argparse.Namespace) -> None:
    """Check everything."""
    from jupyter_xdisplay.doctor import report

    if session.current is not None and session.current.known_info.runtime != "local":
        say(
            "This kernel's displays run in a container beside it: X programs that are missing "
            "here do not matter. In a terminal of the machine itself: jupyter xdisplay doctor\n"
        )
    say(report(color=not os.environ.get("NO_COLOR")))


_COMMANDS: dict[str, Callable[[Session, Any], None]] = {
    "start": showing.start,
    "desktop": showing.desktop,
    "show": showing.show,
    "inline": showing.inline,
    "capture": showing.capture,
    "stop": stop,
    "status": status,
    "list": list_all,
    "snapshot": snapshot,
    "resize": resize,
    "vnc": vnc,
    "gui": gui,
    "run": run,
    "doctor": doctor,
}


def _stop_one(session: Session, display: Display, options: argparse.Namespace) -> None:
    info = session.stop(display)
    if info.state == "parked" and options.force:
        _confirm(info, yes=options.yes)
        info = session.stop(display, force=True)
    if info.state == "parked":
        say(
            f"The windows of display {info.name!r} are closed. {info.display} stays parked until "
            "this kernel ends: this process is connected to it, and would end with it "
            "(--force ends both)."
        )
    else:
        say(f"Display {info.name!r} ({info.display}) is stopped.")


def _confirm(info: DisplayInfo, *, yes: bool) -> None:
    price = PRICE.format(display=info.display)
    say(price)
    if yes:
        return
    fix = "to end both without being asked: %xdisplay stop --force --yes"
    try:
        answer = input("End both? [y/N] ")
    except KeyboardInterrupt:
        answer = ""
    except Exception as error:
        # StdinNotImplementedError of ipykernel, EOFError of a shell without a terminal
        raise KernelConnected("Nobody can be asked here, so nothing was ended.", fix=fix) from error
    if answer.strip().lower() not in {"y", "yes"}:
        raise KernelConnected(f"{info.display} was not ended, only parked.", fix=fix)


def _wait_for_window(display: Display, program: Program) -> None:
    """Wait until a new window is there, or the program has ended, or long enough."""
    known = {(window.id, window.pid) for window in display.known_info.windows}
    deadline = time.monotonic() + RUN_WAIT_S
    while time.monotonic() < deadline and program.popen.poll() is None:
        if {(window.id, window.pid) for window in display.info.windows} - known:
            return
        time.sleep(POLL_S)


def _exit_text(code: int) -> str:
    import signal

    if code >= 0:
        return f"with exit status {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def _program_line(program: Program) -> str:
    code = program.popen.poll()
    state = f"pid {program.popen.pid}" if code is None else f"ended {_exit_text(code)}"
    lines = [f"{' '.join(program.arguments)} ({state})"]
    if code:
        lines += [f"    {line}" for line in program.last_lines(3)]
    return "\n".join(lines)


def _publish(table: describe.Table) -> None:
    from IPython.display import display as publish

    publish(table)
