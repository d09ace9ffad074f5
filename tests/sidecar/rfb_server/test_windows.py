"""One window as an RFB session of its own: pixels, input, size, title, end."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import xcffib.xproto
from PIL import Image

from jupyter_xdisplay.errors import WindowNotFound
from jupyter_xdisplay.rfb import NameChanged, ResizeReason
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.sidecar.rfb_server.viewer_thread import ViewerThread
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.capture import DrawableChangedError
from jupyter_xdisplay.x11.clients import Clients
from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.events import Events
from jupyter_xdisplay.x11.framebuffer import Framebuffer
from jupyter_xdisplay.x11.geometry import Rect
from tests.sidecar.launch import SidecarProcess
from tests.sidecar.rfb_server.conftest import Open, Sit
from tests.sidecar.rfb_server.viewing import SidecarViewer, shows
from tests.waiting import wait_until
from tests.x11.drawing import Drawing, noise

MASK = xcffib.xproto.EventMask
INPUT = MASK.ButtonPress | MASK.ButtonRelease | MASK.PointerMotion | MASK.KeyPress
GREEN = 0x00FF00

Make = Callable[..., "Program"]


class Program:
    """A program with one window, that notes what it gets."""

    def __init__(self, seat: object, **options: object) -> None:
        self.x = seat.x  # type: ignore[attr-defined]
        self.events = seat.events  # type: ignore[attr-defined]
        self.drawing = Drawing(self.x, Rect(0, 0, 300, 200), INPUT, managed=True, **options)  # type: ignore[arg-type]
        self.got: list[object] = []
        for kind in (xcffib.xproto.ButtonPressEvent, xcffib.xproto.KeyPressEvent):
            self.events.on(kind, self.got.append)

    @property
    def window(self) -> int:
        """Its window."""
        return self.drawing.window

    @property
    def place(self) -> tuple[int, int]:
        """Where it is on the screen, without its frame."""
        at = self.x.core.TranslateCoordinates(self.window, self.x.root, 0, 0).reply()
        return at.dst_x, at.dst_y

    def gets(self, kind: type) -> list[object]:
        """Return what it got so far."""
        self.events.dispatch()
        return [event for event in self.got if isinstance(event, kind)]


@pytest.fixture
def make(sidecar: SidecarProcess, sit: Sit) -> Iterator[Make]:
    """Give a function that opens a window of a new program; the sidecar knows it then."""
    with ExitStack() as stack:

        def open_window(**options: object) -> Program:
            program = Program(sit(sidecar.info), **options)
            stack.callback(program.drawing.close)
            wait_until(
                lambda: program.window in {info.id for info in sidecar.client.info().windows},
                "the sidecar does not know the window",
            )
            program.drawing.move(x=150, y=120)  # all in one place: the newest covers the others
            wait_until(lambda: abs(program.place[0] - 150) + abs(program.place[1] - 120) < 60)
            return program

        yield open_window


@pytest.fixture
def view(sidecar: SidecarProcess, open_viewer: Open) -> Callable[[Program], SidecarViewer]:
    """Give a function that looks at a program's window."""

    def look(program: Program) -> SidecarViewer:
        viewer = open_viewer(sidecar, window=program.window)
        viewer.until_ready()
        return viewer

    return look


def test_each_window_has_pixels_of_its_own(
    make: Make, view: Callable[[Program], SidecarViewer]
) -> None:
    """Two windows in one place: each viewer sees its own, exactly."""
    programs = [make(), make()]
    pictures = [noise(300, 200), noise(300, 200)[::-1].copy()]
    viewers = [view(program) for program in programs]
    for program, picture in zip(programs, pictures, strict=True):
        program.drawing.put(picture)
    for viewer, picture in zip(viewers, pictures, strict=True):
        viewer.until_shows(lambda _, v=viewer, p=picture: shows(v, p[..., :3]), "other pixels")


def test_input_reaches_a_covered_window(
    make: Make, view: Callable[[Program], SidecarViewer]
) -> None:
    """Clicks and keys go to the window that is looked at, wherever the others are."""
    first, second = make(), make()
    for program, other in ((first, second), (second, first), (first, second)):
        viewer = view(program)
        before = len(program.gets(xcffib.xproto.ButtonPressEvent))
        strange = len(other.got)
        viewer.point(30, 40)
        viewer.point(30, 40, 1)
        viewer.point(30, 40, 0)
        wait_until(
            lambda p=program, n=before: len(p.gets(xcffib.xproto.ButtonPressEvent)) > n, "no click"
        )
        click = program.gets(xcffib.xproto.ButtonPressEvent)[-1]
        assert (click.event_x, click.event_y) == (30, 40)  # type: ignore[attr-defined]
        before = len(program.gets(xcffib.xproto.KeyPressEvent))
        viewer.key(ord("a"), True)
        viewer.key(ord("a"), False)
        wait_until(
            lambda p=program, n=before: len(p.gets(xcffib.xproto.KeyPressEvent)) > n, "no key"
        )
        other.events.dispatch()
        assert len(other.got) == strange


def test_a_pop_up_beyond_the_edge_can_be_clicked(
    make: Make, view: Callable[[Program], SidecarViewer]
) -> None:
    """The framebuffer grows to hold a menu to the left of the window; clicks land in it."""
    program = make()
    viewer = view(program)
    place = program.x.core.TranslateCoordinates(program.window, program.x.root, 0, 0).reply()
    menu = Drawing(program.x, Rect(place.dst_x - 60, place.dst_y + 50, 100, 80), INPUT)
    menu.fill(Rect(0, 0, 100, 80), GREEN)
    viewer.until_shows(
        lambda now: now.shape[:2] == (200, 360) and tuple(now[90, 20, :3]) == (0, 255, 0),
        "the menu is not to be seen",
    )
    viewer.point(20, 90, 1)
    viewer.point(20, 90, 0)
    wait_until(lambda: bool(program.gets(xcffib.xproto.ButtonPressEvent)), "no click")
    click = program.gets(xcffib.xproto.ButtonPressEvent)[-1]
    assert click.event == menu.window  # type: ignore[attr-defined]
    assert (click.event_x, click.event_y) == (20, 40)  # type: ignore[attr-defined]
    menu.close()
    viewer.until_shows(lambda now: now.shape[:2] == (200, 300), "it has not shrunk again")


def test_a_viewer_resizes_the_real_window(
    make: Make, view: Callable[[Program], SidecarViewer]
) -> None:
    """SetDesktopSize asks the program; the viewer is told that it was its own wish."""
    program = make()
    viewer = view(program)
    before = len(viewer.sizes)
    assert viewer.client.set_desktop_size(420, 260)
    viewer.flush()
    viewer.until_shows(lambda now: now.shape[:2] == (260, 420), "it kept its size")
    assert viewer.sizes[before:][-1].reason == ResizeReason.THIS_CLIENT
    geometry = program.x.core.GetGeometry(program.window).reply()
    assert (geometry.width, geometry.height) == (420, 260)


def test_the_title_is_the_desktops_name(
    make: Make, view: Callable[[Program], SidecarViewer]
) -> None:
    """It follows the window's title."""
    program = make()
    viewer = view(program)
    program.x.set_property(program.window, "_NET_WM_NAME", "UTF8_STRING", "Füße".encode())
    program.drawing.sync()
    viewer.until(lambda: bool(viewer.seen(NameChanged)), "no name", ask=True)
    assert viewer.seen(NameChanged)[-1].name == "Füße"


def test_a_closed_window_ends_its_views(
    sidecar: SidecarProcess, make: Make, view: Callable[[Program], SidecarViewer]
) -> None:
    """Also one that is only withdrawn. One that is not there is refused."""
    program = make()
    viewer = view(program)
    program.x.core.UnmapWindow(program.window)
    program.drawing.sync()
    viewer.until(lambda: viewer.client.state in {"closed", "failed"}, "still there")
    with pytest.raises(WindowNotFound):
        sidecar.client.close_window(program.window)


def test_a_window_that_went_before_it_was_looked_at(sidecar: SidecarProcess, sit: Sit) -> None:
    """Its viewer's thread ends, and leaves no X connection."""
    clients = Clients(sit(sidecar.info).x)
    before = set(clients.pids())

    def open_gone(_x: X11Connection, _events: Events) -> Framebuffer:
        raise DrawableChangedError

    ended = threading.Event()
    where = sidecar.info.display, Path(sidecar.info.xauthority)
    thread = ViewerThread(*where, open_gone, Size(10, 10), lambda _: None, ended.set)
    thread.start()
    thread.join(20)
    assert ended.is_set()
    wait_until(lambda: set(clients.pids()) <= before, "its X connection stays")


def test_a_picture_of_a_covered_window(sidecar: SidecarProcess, make: Make) -> None:
    """The PNG has exactly its pixels."""
    program = make()
    sidecar.client.window_screenshot(program.window)  # windows keep their contents from then on
    picture = noise(300, 200)
    program.drawing.put(picture)
    make()
    png = SidecarClient(sidecar.info.socket).window_screenshot(program.window)
    shown = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert (shown == picture[..., 2::-1]).all()


def test_a_dialog_names_its_window(sidecar: SidecarProcess, make: Make) -> None:
    """`WindowInfo.parent` is that of dialogs, and of their dialogs."""
    main = make()
    dialog = make(dialog_of=main.window)
    inner = make(dialog_of=dialog.window)
    parents = {info.id: info.parent for info in sidecar.client.info().windows}
    assert parents[main.window] == 0
    assert parents[dialog.window] == parents[inner.window] == main.window


def test_the_sidecar_resizes_and_closes(sidecar: SidecarProcess, make: Make) -> None:
    """As the kernel asks for it."""
    program = make()
    sidecar.client.resize_window(program.window, Size(333, 222))

    def size() -> tuple[int, int]:
        geometry = program.x.core.GetGeometry(program.window).reply()
        return geometry.width, geometry.height

    wait_until(lambda: size() == (333, 222), "it kept its size")
