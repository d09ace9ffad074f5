"""`%load_ext`, `%unload_ext`, `%reload_ext`."""

from __future__ import annotations

from tests.kernel.kernel_process import KernelProcess, Starter

HEAVY = (
    "PIL",
    "anywidget",
    "ipywidgets",
    "jupyter_server",
    "jupyter_xdisplay.runtime",
    "jupyter_xdisplay.sidecar",
    "matplotlib",
    "numpy",
    "wrapt",
    "xcffib",
)


def test_load_imports_nothing_heavy(start_kernel: Starter) -> None:
    """Loading costs nothing that `%xdisplay` does not need yet."""
    kernel = start_kernel()
    kernel.ok("import sys; before = set(sys.modules)\n%load_ext jupyter_xdisplay")
    loaded = kernel.value("sorted(set(sys.modules) - before)")
    assert not [name for name in HEAVY if f"'{name}'" in loaded or f"'{name}." in loaded]


def test_load_twice(kernel: KernelProcess) -> None:
    """A second `%load_ext` changes nothing."""
    kernel.ok("import jupyter_xdisplay as xd; xd.load_ipython_extension(get_ipython())")
    assert kernel.value("len(get_ipython().Completer.custom_matchers)") == "1"
    assert kernel.complete("%xdisplay sta") == ["start", "status"]


def test_unload_puts_back_and_leaves_the_display(display: KernelProcess) -> None:
    """`%unload_ext` takes the magic, the environment and `&` away; the display goes on."""
    display.ok("import os; shell = get_ipython()\n%unload_ext jupyter_xdisplay")
    assert display.value("'DISPLAY' in os.environ") == "False"
    assert display.value("shell.ast_transformers") == "[]"
    assert display.run("%xdisplay").status == "error"
    assert display.value("d.info.state") == "'running'"


def test_reload_keeps_the_display(display: KernelProcess) -> None:
    """`%reload_ext` ends with the same display in use as before."""
    display.ok("import os; was = d.id, os.environ['DISPLAY']")
    display.ok("%reload_ext jupyter_xdisplay")
    assert display.value("(xd.display().id, os.environ['DISPLAY']) == was") == "True"
    display.ok("!xeyes &")
    display.wait_for("d.windows()")


def test_help(kernel: KernelProcess) -> None:
    """`%xdisplay?` and `%xdisplay --help` show what it can do."""
    assert "%xdisplay run PROGRAM" in kernel.ok("%xdisplay --help").text
    answer = kernel.client.inspect("%xdisplay", 9, reply=True, timeout=30)
    assert "%xdisplay run PROGRAM" in answer["content"]["data"]["text/plain"]
