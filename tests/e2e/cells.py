"""What the tests' notebooks run."""

from __future__ import annotations

START = "%load_ext jupyter_xdisplay\n%xdisplay desktop"
START_X11VNC = "%load_ext jupyter_xdisplay\n%xdisplay desktop --stream x11vnc"

COLOURED = """\
import subprocess, sys
subprocess.Popen([sys.executable, "-c", '''
import tkinter
root = tkinter.Tk()
root.title("{title}")
root.configure(background="{colour}")
root.geometry("400x300+100+100")
root.mainloop()
'''], start_new_session=True)
"""

FIGURE = """\
import matplotlib.pyplot as plt
figure, axes = plt.subplots(num="Red")
axes.set_facecolor("red")
axes.plot([1, 4, 9], color="blue")
plt.show()
"""

PHOTOGRAPH = """\
import matplotlib.pyplot as plt, numpy as np
figure, axes = plt.subplots(num="Photograph", figsize=(9, 6))
y, x = np.mgrid[0:400, 0:600] / 100
random = np.random.default_rng(1)
light = np.stack([np.sin(x * y), np.cos(x - y * 2), np.sin(3 * x)], -1) / 2 + 0.5
axes.imshow(np.clip(light + random.normal(0, 0.03, light.shape), 0, 1))
axes.set_title("light and grain")
plt.show()
"""

ENTRY = '''\
script = """
import pathlib, sys, tkinter
root = tkinter.Tk()
root.title("Entry")
root.geometry("500x120+40+60")
text = tkinter.StringVar()
text.trace_add("write", lambda *_: pathlib.Path(sys.argv[1]).write_text(text.get(), "utf-8"))
entry = tkinter.Entry(root, textvariable=text, font=("sans", 24))
entry.pack(fill="both", expand=True)
entry.focus_force()
root.mainloop()
"""
import pathlib
pathlib.Path("entry.py").write_text(script)
'''
"""Writes a program with a text field; whatever is in it is in the file that its argument names."""
