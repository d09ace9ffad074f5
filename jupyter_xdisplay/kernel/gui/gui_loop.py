"""matplotlib's backend and the GUI event loop of an IPython shell.

Lazy: while matplotlib.pyplot is not imported nothing is done but to wait for that import
(PEP 369 hooks of wrapt). From then on `plt.show()` opens a window and returns at once, and the
shell serves the window between cells.
"""

from __future__ import annotations

import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_xdisplay.errors import ToolkitMissing, UsageError, XDisplayError
from jupyter_xdisplay.kernel.gui import figures, loops, toolkits

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_xdisplay.kernel.gui.toolkits import Toolkit

_INLINE = ("inline", "module://matplotlib_inline.backend_inline")
_PYPLOT = "matplotlib.pyplot"


class _Before(NamedTuple):
    """How a shell plotted before us."""

    backend: str | None
    selected: str | None
    loop: str | None
    interactive: bool


class GuiLoop:
    """The event loop and matplotlib's backend in one shell.

    Parameters
    ----------
    shell
        The IPython shell.
    is_usable
        Tells whether a window could be opened now. Qt ends the whole process where it cannot
        connect to X, so it is asked right before a toolkit is switched on.
    configured_backend
        Gives the MPLBACKEND that this process had before a display changed it.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        is_usable: Callable[[], bool],
        configured_backend: Callable[[], str | None],
    ) -> None:
        self._shell = shell
        self._is_usable = is_usable
        self._configured_backend = configured_backend
        self._hooked = False
        self._armed = False
        self._choice = "auto"
        self._active: Toolkit | None = None
        self._before: _Before | None = None
        self._keep: list[Any] = []
        self._undo: list[Callable[[], None]] = []

    @property
    def state(self) -> str:
        """One line about the loop, for `%xdisplay status`."""
        if self._active is not None:
            return f"{self._active.name} ({self._active.binding}), served between cells"
        if self._armed and self._choice != "off":
            return f"{self._choice}, starts when matplotlib is imported"
        return "off"

    def arm(self) -> str | None:
        """Make `plt.show()` open windows from now on, or once matplotlib is imported.

        Returns
        -------
        str or None
            What the user has to be told when that will not work.
        """
        if self._active is not None:
            return None
        self._armed = True
        self._hook()
        if self._choice == "off":
            return None
        try:
            toolkits.choose(self._choice)
            if figures.pyplot() is not None:
                self._activate(self._choice)
        except XDisplayError as error:
            return str(error)
        return None

    def select(self, name: str) -> str:
        """Switch to the toolkit called `name`, to `auto` or `off`; return what was done.

        Raises
        ------
        ToolkitMissing
            When it cannot be imported.
        UsageError
            When this process is bound to another toolkit.
        """
        name = toolkits.check_gui_name(name)
        self._choice = name
        self._armed = True
        if name == "off":
            self._put_back(adopt=True)
            self._hook()
            return "GUI event loop off; matplotlib draws inline again."
        toolkit = toolkits.choose(name)
        if figures.pyplot() is None and name == "auto":
            self._hook()
            return f"{toolkit.name} ({toolkit.binding}) as soon as matplotlib is imported."
        self._activate(name)
        return f"GUI event loop: {self.state}."

    def pump(self) -> None:
        """Serve what waits in the toolkit, so that windows a cell made appear in its time."""
        kernel = getattr(self._shell, "kernel", None)
        if self._active is not None and kernel is not None:
            loops.pump(self._active.loop, kernel)

    def put_back(self) -> None:
        """Restore backend and loop as they were before us, and wait for matplotlib no more."""
        self._armed = False
        self._put_back(adopt=False)

    def _hook(self) -> None:
        if self._hooked or figures.pyplot() is not None:
            return
        import wrapt

        self._hooked = True
        wrapt.register_post_import_hook(self._on_pyplot, _PYPLOT)

    def _on_pyplot(self, _module: Any) -> None:
        if not self._armed or self._active is not None:
            return
        if threading.current_thread() is not threading.main_thread():
            # Toolkits and event loops belong to the main thread: at the next cell then.
            self._shell.events.register("pre_run_cell", self._late)
            return
        self._follow_import()

    def _late(self, *_: Any) -> None:
        self._shell.events.unregister("pre_run_cell", self._late)
        if self._armed and self._active is None:
            self._follow_import()

    def _follow_import(self) -> None:
        try:
            if self._choice == "off":
                _use_inline(self._shell)
            elif (name := _users_choice(self._choice)) is not None:
                self._activate(name)
        except XDisplayError as error:
            # Inside the user's own import, which must go on.
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)

    def _activate(self, name: str) -> None:
        toolkit = toolkits.choose(name)
        if self._active is not None and self._active.name == toolkit.name:
            return
        if not self._is_usable():
            raise UsageError(
                "There is no running display to open windows on.", fix="%xdisplay starts one"
            )
        self._leave_other(toolkit)
        toolkit = _load_first(name)
        if self._before is None:
            self._before = self._now()
        self._shell.pylab_gui_select = None
        self._use_own_loop(toolkit)
        with _explained(toolkit):
            if _is_installed("matplotlib"):
                self._shell.enable_matplotlib(toolkit.loop)
                figures.adopt_all()
            else:
                self._shell.enable_gui(toolkit.loop)
        self._active = toolkit
        self._keep_application()

    def _leave_other(self, toolkit: Toolkit) -> None:
        """Let go of another toolkit's loop, where that is possible.

        A toolkit with open windows must go on being served, and a Qt application stays for the
        life of its process.
        """
        other = self._active
        if other is None:
            return
        has_windows = any(figures.gui_of(manager) for manager in figures.managers())
        if other.name != "tk" or has_windows:
            raise _second_loop(other.name, toolkit.name)
        self._shell.enable_gui(None)
        self._active = None

    def _use_own_loop(self, toolkit: Toolkit) -> None:
        if hasattr(self._shell, "kernel"):
            self._undo.append(loops.install(toolkit.loop))

    def _put_back(self, *, adopt: bool) -> None:
        before, self._before = self._before, None
        if self._active is None or before is None:
            self._active = None
            if adopt and figures.pyplot() is not None:
                _use_inline(self._shell)
            return
        self._active = None
        self._shell.pylab_gui_select = None
        self._shell.enable_gui(None)
        if figures.pyplot() is not None:
            _restore_backend(self._shell, before, adopt=adopt)
        self._shell.pylab_gui_select = before.selected
        while self._undo:
            self._undo.pop()()
        if before.loop and not adopt:
            self._shell.enable_gui(before.loop)

    def _now(self) -> _Before:
        backend, interactive = None, False
        if "matplotlib" in sys.modules:
            import matplotlib as mpl

            backend, interactive = _backend_now(), mpl.is_interactive()
        return _Before(
            backend or self._configured_backend(),
            self._shell.pylab_gui_select,
            getattr(self._shell, "active_eventloop", None),
            interactive,
        )

    def _keep_application(self) -> None:
        """Hold the toolkit's application: ipykernel drops its own when a loop is switched off."""
        application = getattr(getattr(self._shell, "kernel", None), "app", None)
        if application is not None and application not in self._keep:
            self._keep.append(application)


def _load_first(name: str) -> Toolkit:
    """Load the first toolkit that really loads; raise the first failure where none does."""
    failure: ToolkitMissing | None = None
    for toolkit in toolkits.available(name):
        try:
            toolkits.load(toolkit)
        except ToolkitMissing as error:
            failure = failure or error
        else:
            return toolkit
    raise failure or ToolkitMissing("No GUI toolkit can be imported.")


def _backend_now() -> str | None:
    """Return matplotlib's backend, None where it has not been chosen yet."""
    import matplotlib as mpl

    backend = dict.__getitem__(mpl.rcParams, "backend")
    return backend if isinstance(backend, str) else None


def _users_choice(choice: str) -> str | None:
    """Return the toolkit to switch on at matplotlib's import, None to leave all as it is.

    Whoever called `matplotlib.use` before importing pyplot has chosen: a backend with windows
    gets its own event loop, any other stays.
    """
    import matplotlib as mpl

    backend = _backend_now()
    original = dict.__getitem__(mpl.rcParamsOrig, "backend")
    if backend is None or backend in _INLINE or backend == original:
        return choice
    for name in toolkits.GUI_NAMES:
        if backend.lower().startswith(name):
            return name
    return None


def _use_inline(shell: InteractiveShell) -> None:
    shell.enable_matplotlib("inline")
    figures.adopt_all()


def _restore_backend(shell: InteractiveShell, before: _Before, *, adopt: bool) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    in_kernel = hasattr(shell, "kernel")
    if before.backend in _INLINE or ((before.backend is None or adopt) and in_kernel):
        shell.enable_matplotlib("inline")
    else:
        plt.switch_backend(before.backend or "agg")
        mpl.interactive(before.interactive)
    figures.adopt_all()


def _is_installed(package: str) -> bool:
    from importlib.util import find_spec

    return package in sys.modules or find_spec(package) is not None


def _second_loop(running: str, wanted: str) -> UsageError:
    return UsageError(
        f"This kernel already runs the event loop of {running}; {wanted} cannot run beside it.",
        fix=f"restart the kernel, then: %xdisplay gui {wanted}",
    )


class _explained:  # noqa: N801
    """Turns what IPython and matplotlib say about a second toolkit into our words."""

    def __init__(self, toolkit: Toolkit) -> None:
        self._toolkit = toolkit

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, RuntimeError) and "multiple GUI eventloops" in str(error):
            raise _second_loop("another toolkit", self._toolkit.name) from error
        if isinstance(error, ImportError):
            if "interactive framework" in str(error):
                running = str(error).split("as ")[-1].split(" is ")[0].strip("' ")
                raise _second_loop(running, self._toolkit.name) from error
            raise ToolkitMissing(
                f"matplotlib cannot use {self._toolkit.binding}.",
                fix=toolkits.install_command("auto"),
                log=[str(error)],
            ) from error
