"""What a window opens beyond its edges: menus, lists, tooltips, dialogs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import Opener
from tests.e2e.lab import Lab, wait_for
from tests.e2e.test_inline import GREEN, START, image_of, window_of
from tests.e2e.view import View, wait_for_window, windows_of
from tests.system_packages import SYSTEM_PACKAGES, skip_where_missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

MENUS = """\
script = '''
import tkinter
from tkinter import filedialog, ttk
root = tkinter.Tk()
root.title("Menus")
root.geometry("300x90")
bar = tkinter.Menu(root)
file = tkinter.Menu(bar, tearoff=False)
file.add_command(label="Open", command=lambda: filedialog.askopenfilename())
for number in range(1, 13):
    file.add_command(label=f"Entry {number}", command=lambda n=number: root.title(f"Entry {n}"))
bar.add_cascade(label="File", menu=file)
root.configure(menu=bar)
box = ttk.Combobox(root, values=[f"choice {number}" for number in range(20)], state="readonly")
box.bind("<<ComboboxSelected>>", lambda event: root.title(box.get()))
box.place(x=10, y=20)
tip = tkinter.Label(root, text="tip", background="white")
tip.place(x=240, y=20)
def show(event):
    top = tkinter.Toplevel(root)
    top.overrideredirect(True)
    top.geometry(f"160x60+{tip.winfo_rootx()}+{tip.winfo_rooty() + 60}")
    top.configure(background="lime")
tip.bind("<Enter>", show)
root.mainloop()
'''
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", script])
"""

GTK = """\
script = '''
import sys; sys.path.append(PACKAGES)
import gi; gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
window = Gtk.Window(title="GTK", default_width=260)
box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
choice = Gtk.ComboBoxText(height_request=40)
for number in range(8):
    choice.append_text(f"choice {number}")
choice.set_active(0)
choice.connect("changed", lambda choice: window.set_title(choice.get_active_text()))
button = Gtk.Button(label="button", height_request=40)
button.connect("clicked", lambda button: window.set_title("clicked"))
box.add(choice); box.add(button); window.add(box)
window.connect("destroy", Gtk.main_quit); window.show_all(); Gtk.main()
'''
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", script])
""".replace("PACKAGES", repr(str(SYSTEM_PACKAGES)))


def layer_is_open(view: View) -> bool:
    """Tell whether the view reaches over the page."""
    return bool(
        view.host.evaluate("h => h.shadowRoot.querySelector('.target').matches(':popover-open')")
    )


def parts(view: View) -> list[str]:
    """What of the framebuffer the view shows over the page: the window, its pop-ups."""
    path: str = view.host.evaluate("h => h.shadowRoot.querySelector('.target').style.clipPath")
    return path.split("M")[1:]


def seen(page: Page, view: View, x: float, y: float) -> tuple[int, ...]:
    """The colour on the page at a place of the window, which may be beyond its edge."""
    left, top = place(view, x, y)
    clip = {"x": left, "y": top, "width": 1, "height": 1}
    pixel = image_of(page.screenshot(clip=clip)).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel


def place(view: View, x: float, y: float) -> tuple[float, float]:
    """Where on the page a place of the window is."""
    box = view.host.locator(".screen").bounding_box()
    assert box is not None
    return box["x"] + x * box["width"] / view.size[0], box["y"] + y * box["height"] / view.size[1]


def choose(
    view: View, opener: tuple[float, float], entry: tuple[float, float], picture: str
) -> None:
    """Click what opens a menu or list, then an entry of it; take a picture between, for people."""
    page = view.page
    page.mouse.click(*place(view, *opener))
    wait_for(lambda: layer_is_open(view), "it does not reach over the page")
    page.screenshot(path=f"tests/e2e/screenshots/{picture}.png")
    page.mouse.move(*place(view, *entry), steps=4)
    page.mouse.click(*place(view, *entry))


def title(view: View) -> str:
    """The title that the view shows."""
    return view.host.locator(".title").inner_text()


@pytest.fixture
def menus(notebook: Opener) -> View:
    """A small window with a menu, a combo box, a tooltip, a dialog."""
    book = notebook([START, "%run menus.py", *["# more\n" * 12] * 3])
    (book.lab.root / "menus.py").write_text(MENUS)
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    view.host.evaluate("host => host.scrollIntoView({block: 'start'})")
    return view


def test_a_menu_reaches_over_the_page(menus: View) -> None:
    """It is whole, an entry far below the window can be clicked, and then it is gone."""
    choose(menus, (15, 10), (30, 250), "inline-menu")
    wait_for(lambda: title(menus).startswith("Entry"), lambda: f"the title is {title(menus)}")
    wait_for(lambda: not layer_is_open(menus), "the menu stays")


def test_a_menu_below_the_page_comes_into_sight(notebook: Opener) -> None:
    """The notebook scrolls once the button is up, and the entry under the pointer is the right one.

    A tooltip there, that no press opened, does not move the page.
    """
    more = ["# more\n" * 14] * 3
    book = notebook([START, *more, "%run menus.py", *more])
    (book.lab.root / "menus.py").write_text(MENUS)
    book.run(0)
    book.run(4)
    view = window_of(book, 4)
    page = view.page
    view.host.evaluate("host => host.scrollIntoView({block: 'end'})")
    box = page.locator(".jp-WindowedPanel-outer").first.bounding_box()
    assert box is not None
    bottom = box["y"] + box["height"]
    entry = 30, 250
    assert place(view, *entry)[1] > bottom
    before = place(view, 0, 0)
    page.mouse.move(*place(view, 250, 64), steps=4)
    wait_for(lambda: layer_is_open(view), "no tooltip")
    assert place(view, 0, 0) == before
    tooltip = parts(view)
    page.mouse.move(*place(view, 15, 10), steps=4)
    page.mouse.down()
    wait_for(lambda: parts(view) != tooltip, "no menu")
    assert place(view, 0, 0) == before
    page.mouse.up()
    wait_for(lambda: place(view, *entry)[1] < bottom, "the menu is out of sight")
    page.mouse.move(*place(view, *entry), steps=4)
    page.mouse.click(*place(view, *entry))
    wait_for(lambda: title(view).startswith("Entry"), lambda: f"the title is {title(view)}")


def test_a_list_reaches_over_the_page(menus: View) -> None:
    """The list of a combo box: the entry that is clicked is chosen."""
    choose(menus, (60, 64), (60, 160), "inline-combo-box")
    wait_for(lambda: title(menus).startswith("choice"), lambda: f"the title is {title(menus)}")


def test_a_tooltip_is_seen(menus: View) -> None:
    """Its pixels are on the page, beyond the window's edge."""
    page = menus.page
    page.mouse.move(*place(menus, 250, 64), steps=4)
    wait_for(lambda: layer_is_open(menus), "the tooltip does not reach over the page")
    wait_for(lambda: seen(page, menus, 280, 150) == GREEN, "the tooltip is not seen")


def test_a_dialog_stays_with_its_window(menus: View, lab: Lab) -> None:
    """A file dialog is drawn over the page, takes input, and has no view of its own."""
    page = menus.page
    page.mouse.click(*place(menus, 15, 10))
    wait_for(lambda: layer_is_open(menus), "no menu")
    page.mouse.move(*place(menus, 30, 45), steps=3)
    page.mouse.click(*place(menus, 30, 45))
    dialog = wait_for_window(lab, "Open")
    window = windows_of(lab)["Menus"]
    wait_for(lambda: layer_is_open(menus), "the dialog is not over the page")
    page.wait_for_timeout(500)
    page.screenshot(path="tests/e2e/screenshots/inline-dialog.png")
    assert page.locator("[data-xdisplay-window]").count() == 1
    # its Cancel button is in the lower right corner
    x, y = dialog["x"] - window["x"], dialog["y"] - window["y"]
    page.mouse.click(*place(menus, x + dialog["width"] - 40, y + dialog["height"] - 20))
    wait_for(lambda: "Open" not in windows_of(lab), "the dialog stays")
    wait_for(lambda: not layer_is_open(menus), "the layer stays")


def test_a_list_that_opens_under_the_pointer(notebook: Opener) -> None:
    """GTK's combo box: a click opens the list, the next one chooses, and the page gets the third.

    The list is under the pointer at once. Motion before the release of the button would be a
    choice, and the release reaches a canvas that is over the page by then.
    """
    skip_where_missing(GTK)
    book = notebook([START, GTK])
    book.run(0)
    book.run(1)
    view = window_of(book, 1)
    page = view.page
    page.mouse.move(*place(view, 60, 20), steps=4)
    page.mouse.down()
    wait_for(lambda: layer_is_open(view), "no list")
    page.mouse.up()
    page.wait_for_timeout(500)
    assert layer_is_open(view), "the list went with the button's release"
    book.screenshot("inline-gtk-list")
    page.mouse.move(*place(view, 60, 110), steps=4)
    page.mouse.click(*place(view, 60, 110), delay=40)
    wait_for(lambda: title(view).startswith("choice"), lambda: f"the title is {title(view)}")
    wait_for(lambda: not layer_is_open(view), "the list stays")
    page.mouse.click(*place(view, 60, 60), delay=40)
    wait_for(lambda: title(view) == "clicked", "the click after the list got lost")
