"""`%load_ext jupyter_xdisplay`: registers the magic and its completion.

Cheap on purpose: whatever is slow is imported by the subcommand that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MAGIC = "xdisplay"


def load(ipython: InteractiveShell) -> None:
    """Register `%xdisplay`. A second time is fine; a display that runs is taken up again."""
    from jupyter_xdisplay.kernel.magics import xdisplay
    from jupyter_xdisplay.kernel.session import get_session
    from jupyter_xdisplay.kernel.shell import ShellParts

    ipython.register_magic_function(xdisplay, "line_cell", MAGIC)  # type: ignore[arg-type]
    _add_matcher(ipython)
    session = get_session()
    if session.shell is None:
        session.attach(ShellParts(ipython, session))


def unload(ipython: InteractiveShell) -> None:
    """Put back everything that was changed in this process. Displays go on."""
    from jupyter_xdisplay.kernel.session import get_session

    get_session().detach()
    for kind in ("line", "cell"):
        ipython.magics_manager.magics[kind].pop(MAGIC, None)
    _remove_matcher(ipython)


def _add_matcher(ipython: InteractiveShell) -> None:
    """Complete `%xdisplay` lines ourselves: IPython would ask Jedi about `--force` too."""
    from IPython.core.completer import context_matcher

    _remove_matcher(ipython)
    matcher = context_matcher(identifier=f"{MAGIC}_magic")(_match)
    ipython.Completer.custom_matchers.append(matcher)


def _remove_matcher(ipython: InteractiveShell) -> None:
    matchers = ipython.Completer.custom_matchers
    matchers[:] = [item for item in matchers if item is not _match]


def _match(context: Any) -> dict[str, Any]:
    line = context.line_with_cursor[: context.cursor_position].lstrip()
    if not line.startswith((f"%{MAGIC} ", f"%%{MAGIC} ")):
        return {"completions": []}
    from IPython.core.completer import SimpleCompletion

    from jupyter_xdisplay.kernel.completion import complete
    from jupyter_xdisplay.kernel.session import get_session

    word = "" if line[-1].isspace() else line.split()[-1]
    found = complete(line, get_session().known_names())
    return {
        "completions": [SimpleCompletion(text, type="magic") for text in found],
        "matched_fragment": word,
        "suppress": True,
        "ordered": True,
    }
