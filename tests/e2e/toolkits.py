"""Cells that open a red window, turn it green when it is clicked, and run until it is closed."""

from __future__ import annotations

from typing import NamedTuple

from tests.system_packages import SYSTEM_PACKAGES


class Program(NamedTuple):
    """What a notebook runs to open a window.

    Attributes
    ----------
    before
        A cell that is run to its end first.
    cell
        Opens the window and goes on until the window is closed.
    """

    cell: str
    before: str = ""


FIGURE = """\
import matplotlib.pyplot as plt
figure = plt.figure("Figure", figsize=(4, 3), facecolor="red")
def clicked(event):
    figure.set_facecolor("lime")
    figure.canvas.draw()
figure.canvas.mpl_connect("button_press_event", clicked)
"""

MATPLOTLIB = FIGURE + "plt.show(block=True)"

PAUSE = (
    FIGURE
    + """\
while plt.fignum_exists("Figure"):
    plt.pause(0.05)
"""
)

OPENCV = """\
import cv2, numpy as np
def show(colour):
    cv2.imshow("OpenCV", np.full((240, 320, 3), colour, np.uint8))
def clicked(event, *_):
    if event == cv2.EVENT_LBUTTONDOWN:
        show((0, 255, 0))
show((0, 0, 255))
cv2.setMouseCallback("OpenCV", clicked)
def is_open():
    try:
        return cv2.getWindowProperty("OpenCV", cv2.WND_PROP_VISIBLE) > 0
    except cv2.error:
        return False
while is_open():
    cv2.waitKey(0)
"""

PYGAME = """\
import pygame
pygame.display.init()
screen = pygame.display.set_mode((320, 240))
pygame.display.set_caption("pygame")
colour, running = "red", True
while running:
    for event in pygame.event.get():
        if event.type == pygame.MOUSEBUTTONDOWN:
            colour = (0, 255, 0)
        running = running and event.type != pygame.QUIT
    screen.fill(colour)
    pygame.display.flip()
    pygame.time.wait(20)
pygame.quit()
"""

TURTLE = """\
import turtle
turtle.setup(320, 240)
turtle.title("turtle")
turtle.bgcolor("red")
turtle.hideturtle()
turtle.onscreenclick(lambda x, y: turtle.bgcolor("lime"))
turtle.done()
"""

TK = """\
import tkinter
root = tkinter.Tk()
root.title("Tk")
root.geometry("320x240")
root.configure(background="red")
root.bind("<Button-1>", lambda event: root.configure(background="lime"))
root.mainloop()
"""

QT = """\
from PySide6.QtWidgets import QApplication, QPushButton
app = QApplication.instance() or QApplication([])
button = QPushButton()
button.setStyleSheet("background: red; border: 0")
button.clicked.connect(lambda: button.setStyleSheet("background: lime; border: 0"))
button.resize(320, 240)
button.setWindowTitle("Qt")
button.show()
app.exec()
"""

SYSTEM = f"import sys; sys.path.append({str(SYSTEM_PACKAGES)!r})\n"

PROGRAMS = {
    "plt.show, Tk": Program(MATPLOTLIB, "%xdisplay gui tk"),
    "plt.show, Qt": Program(MATPLOTLIB, "%xdisplay gui qt"),
    "plt.show, GTK": Program(MATPLOTLIB, SYSTEM + "%xdisplay gui gtk"),
    "plt.show, wx": Program(MATPLOTLIB, SYSTEM + "%xdisplay gui wx"),
    "plt.pause": Program(PAUSE, "%xdisplay gui tk"),
    "cv2.waitKey": Program(OPENCV),
    "pygame": Program(PYGAME),
    "turtle": Program(TURTLE),
    "Tk": Program(TK),
    "Qt": Program(QT),
}
