"""A sidecar whose windows are shown one by one: last pictures, and room for menus."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from jupyter_xdisplay.errors import WindowNotFound
from jupyter_xdisplay.spec import Size, WindowInfo
from jupyter_xdisplay.x11.last_pictures import POSTPONED_MAX_S
from tests.sidecar.launch import SidecarProcess
from tests.waiting import wait_until
from tests.xclient import running

TK_TAKEN_DOWN = """
import sys, tkinter
root = tkinter.Tk()
root.title("tk")
root.geometry("320x240+0+0")
canvas = tkinter.Canvas(root, background="red")
canvas.create_line(0, 0, 320, 240, width=9)
canvas.pack(fill="both", expand=True)
root.update()
print("ready", flush=True)
sys.stdin.readline()
root.destroy()
sys.stdin.readline()
"""

TK_CLOSED = """
import sys, tkinter
root = tkinter.Tk()
root.title("tk")
root.geometry("320x240+0+0")
canvas = tkinter.Canvas(root, background="red")
canvas.create_line(0, 0, 320, 240, width=9)
canvas.pack(fill="both", expand=True)
def turn_green(*_):
    sys.stdin.readline()
    canvas["background"] = "lime"
    root.update()
    root.winfo_pointerxy()
    print("green", flush=True)
root.tk.createfilehandler(sys.stdin, tkinter.READABLE, turn_green)
root.update()
print("ready", flush=True)
root.mainloop()
"""

DASHBOARD = """
import itertools, select, sys
import xcffib
from xcffib.xproto import CW, WindowClass
x = xcffib.connect()
root = x.get_setup().roots[0].root
def make(parent, colour):
    window = x.generate_id()
    x.core.CreateWindow(
        0, window, parent, 0, 0, 320, 240, 0, WindowClass.InputOutput, 0, CW.BackPixel, [colour]
    )
    x.core.MapWindow(window)
    return window
window, part = make(root, 0x808080), None
x.core.ChangeProperty(0, window, 39, 31, 8, 9, b"dashboard")  # WM_NAME
for number in itertools.count():
    if part:
        x.core.DestroyWindow(part)
    part = make(window, (0xFF0000, 0x00FF00)[number % 2] if number else 0x0000FF)
    x.core.GetInputFocus().reply()
    print(number or "ready", flush=True)
    if select.select([sys.stdin], [], [], float(sys.argv[1]))[0]:
        break
x.core.DestroyWindow(part)
x.core.GetInputFocus().reply()
x.core.DestroyWindow(window)
x.core.GetInputFocus().reply()
sys.stdin.readline()
sys.stdin.readline()
"""


@pytest.fixture
def sidecar(start: Callable[..., SidecarProcess]) -> SidecarProcess:
    """Give a sidecar of its own: what follows windows does so to its end."""
    return start().up()


def windows(sidecar: SidecarProcess) -> dict[str, WindowInfo]:
    """What is open, by title."""
    return {info.title: info for info in sidecar.client.info().windows}


def picture(sidecar: SidecarProcess, window: int) -> Image.Image:
    """A window as the sidecar has it."""
    png = sidecar.client.window_screenshot(window)
    return Image.open(io.BytesIO(png)).convert("RGB")


def test_what_a_program_showed_before_it_took_its_window_down(sidecar: SidecarProcess) -> None:
    """Tk destroys the canvas first: the picture is from before."""
    sidecar.client.follow_windows()
    program = [sys.executable, "-c", TK_TAKEN_DOWN]
    with running(sidecar.info, program=program) as process:
        window = wait_until(lambda: windows(sidecar).get("tk"))
        wait_until(lambda: picture(sidecar, window.id).getpixel((300, 20)) == (255, 0, 0))
        wait_until(lambda: _copied(sidecar))
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
        wait_until(lambda: "tk" not in windows(sidecar))
        left = picture(sidecar, window.id)
    assert left.size == (window.width, window.height)
    assert left.getpixel((300, 20)) == (255, 0, 0)


def test_what_a_window_showed_when_it_was_closed(sidecar: SidecarProcess) -> None:
    """Right after it was drawn: it is not left to be copied a little later."""
    sidecar.client.follow_windows()
    with running(sidecar.info, program=[sys.executable, "-c", TK_CLOSED]) as process:
        window = wait_until(lambda: windows(sidecar).get("tk"))
        wait_until(lambda: picture(sidecar, window.id).getpixel((300, 20)) == (255, 0, 0))
        wait_until(lambda: _copied(sidecar))
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"green\n"
        sidecar.client.close_window(window.id)
        wait_until(lambda: "tk" not in windows(sidecar))
        assert picture(sidecar, window.id).getpixel((300, 20)) == (0, 255, 0)


def _copied(sidecar: SidecarProcess) -> bool:
    """Let the time go by after which the X server copies what was drawn."""
    from time import sleep

    from jupyter_xdisplay.x11.last_pictures import COPY_S

    sleep(3 * COPY_S)
    return True


@pytest.mark.parametrize("every_s", [0.45, 0.05])
def test_a_program_that_replaces_what_it_shows(sidecar: SidecarProcess, every_s: float) -> None:
    """Its parts go all the time: what is left is neither the first picture nor one without them."""
    sidecar.client.follow_windows()
    program = [sys.executable, "-c", DASHBOARD, str(every_s)]
    with running(sidecar.info, program=program) as process:
        window = wait_until(lambda: windows(sidecar).get("dashboard"))
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(int(2 * POSTPONED_MAX_S / every_s)):
            assert process.stdout.readline()
        process.stdin.write(b"\n")
        process.stdin.flush()
        wait_until(lambda: "dashboard" not in windows(sidecar))
        assert picture(sidecar, window.id).getpixel((300, 20)) in {(255, 0, 0), (0, 255, 0)}


def test_a_killed_program_leaves_a_picture(sidecar: SidecarProcess) -> None:
    """Also one that was ended from outside, without a word."""
    sidecar.client.follow_windows()
    with running(sidecar.info, "window", "--title", "red") as process:
        window = wait_until(lambda: windows(sidecar).get("red"))
        wait_until(lambda: picture(sidecar, window.id).getpixel((5, 5)) == (255, 0, 0))
        process.kill()
        wait_until(lambda: "red" not in windows(sidecar))
        assert picture(sidecar, window.id).getpixel((5, 5)) == (255, 0, 0)


def test_a_picture_of_another_process_is_not_given(sidecar: SidecarProcess) -> None:
    """X gives the ids of windows again: neither an open window nor a picture may be mixed up."""
    sidecar.client.follow_windows()
    with running(sidecar.info, "window", "--title", "red") as process:
        window = wait_until(lambda: windows(sidecar).get("red"))
        assert window.pid == process.pid
        for is_open in (True, False):
            if not is_open:
                process.kill()
                wait_until(lambda: "red" not in windows(sidecar))
            sidecar.client.window_screenshot(window.id, pid=process.pid)
            with pytest.raises(WindowNotFound):
                sidecar.client.window_screenshot(window.id, pid=process.pid + 1)


def test_without_following_nothing_is_kept(sidecar: SidecarProcess) -> None:
    """A display that is looked at as a whole pays nothing for it."""
    with running(sidecar.info, "window", "--title", "red") as process:
        window = wait_until(lambda: windows(sidecar).get("red"))
        process.kill()
        wait_until(lambda: "red" not in windows(sidecar))
    with pytest.raises(WindowNotFound):
        sidecar.client.window_screenshot(window.id)


def test_windows_stand_away_from_the_edges(sidecar: SidecarProcess, tmp_path: Path) -> None:
    """A window that opens in the corner of the screen is moved to where its menus have room."""
    sidecar.client.follow_windows()
    program = [sys.executable, "-c", TK_TAKEN_DOWN]
    with running(sidecar.info, program=program):
        window = wait_until(lambda: windows(sidecar).get("tk"))
        wait_until(lambda: windows(sidecar)["tk"].x > 60 and windows(sidecar)["tk"].y > 45)
        assert window.id == windows(sidecar)["tk"].id


def test_a_window_that_grows_beyond_the_screen_is_whole_on_it(sidecar: SidecarProcess) -> None:
    """The screen grows, and the window is moved: no pointer goes beyond the screen's edges."""
    sidecar.client.follow_windows()
    before = sidecar.client.info().size
    wanted = Size(before.width - 10, before.height + 100)
    with running(sidecar.info, program=[sys.executable, "-c", TK_TAKEN_DOWN]):
        window = wait_until(lambda: windows(sidecar).get("tk"))
        sidecar.client.resize_window(window.id, wanted)

        def whole() -> bool:
            info, size = windows(sidecar)["tk"], sidecar.client.info().size
            right, below = info.x + info.width, info.y + info.height
            return info.height == wanted.height and right <= size.width and below <= size.height

        wait_until(whole, "it reaches beyond the screen")
        assert sidecar.client.info().size.width == before.width
