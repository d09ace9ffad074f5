"""`!program &` in a kernel: programs in a session of their own, that no interrupt reaches.

ipykernel refuses a trailing `&` ("Background processes not supported."). IPython turns `!x &`
into `get_ipython().system('x &')`; here exactly such calls are rewritten, and nothing else, so
that every other command still takes IPython's own way.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.kernel import programs

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

METHOD = "_xdisplay_background"
"""The name under which a shell gets the method that the rewritten calls go to."""

_WORD_BEFORE_COMMENT = re.compile(r"(^|[\s;&|()<>])$")


def split_background(command: str) -> str | None:
    """Return `command` without its trailing `&`, or None where it has none.

    Only a real one counts: not `&&`, `|&`, `>&`, `<&`, not quoted, escaped or in a comment.
    """
    text = command.rstrip()
    if not text.endswith("&") or not _ends_unquoted(text):
        return None
    rest = text[:-1].rstrip()
    if not rest or rest[-1] in "&|<>;(":
        return None
    return rest


def _ends_unquoted(text: str) -> bool:
    """Tell whether the last character stands outside quotes, escapes and comments (POSIX sh)."""
    quote: str | None = None
    index = 0
    last = len(text) - 1
    while index < last:
        char = text[index]
        if char == "\\" and quote != "'":
            if index + 1 == last:
                return False
            index += 2
            continue
        if quote is not None:
            quote = None if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char == "#" and _WORD_BEFORE_COMMENT.search(text[:index]) and "\n" not in text[index:]:
            return False
        index += 1
    return quote is None


class BackgroundCalls(ast.NodeTransformer):
    """Sends `get_ipython().system('… &')` to the shell's `METHOD`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Rewrite one call, where it is such a call."""
        self.generic_visit(node)
        match node:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Call(func=ast.Name(id="get_ipython"), args=[], keywords=[]),
                    attr="system",
                ) as function,
                args=[ast.Constant(value=str(command))],
                keywords=[],
            ) if split_background(command) is not None:
                function.attr = METHOD
        return node


class BackgroundPrograms:
    """Makes a trailing `&` work in one shell, and puts everything back.

    Parameters
    ----------
    shell
        The IPython shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._transformer = BackgroundCalls()

    def install(self) -> None:
        """Switch it on; a second time is fine."""
        if self._transformer not in self._shell.ast_transformers:
            setattr(self._shell, METHOD, self._start)
            self._shell.ast_transformers.append(self._transformer)

    def remove(self) -> None:
        """Switch it off; programs that run go on."""
        if self._transformer in self._shell.ast_transformers:
            self._shell.ast_transformers.remove(self._transformer)
            delattr(self._shell, METHOD)

    def _start(self, command: str) -> None:
        # depth=1: the frame of the cell or function that has the `!` line.
        expanded: Any = self._shell.var_expand(command, depth=1)
        body = split_background(expanded)
        programs.start_shell(expanded if body is None else body)
        self._shell.user_ns["_exit_code"] = 0
