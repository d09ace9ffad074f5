"""A display that is there already, and what is asked of it now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_xdisplay.spec import check_container

if TYPE_CHECKING:
    from jupyter_xdisplay.kernel.display import Display
    from jupyter_xdisplay.spec import DisplaySpec


def adapt(display: Display, spec: DisplaySpec) -> list[str]:
    """Bring a display that was there before to what is asked now, as far as that goes.

    Returns
    -------
        What the user has to be told of the rest.

    Raises
    ------
    UsageError
        When it is for the programs of another container.
    """
    info = display.known_info
    check_container(info, spec)
    if spec.size is not None and info.size != spec.size:
        display.resize(spec.size)
    stream = info.chosen.get("stream", "").partition(":")[0]
    kept = []
    if spec.dpi is not None and info.dpi != spec.dpi:
        kept.append((f"{info.dpi} dpi", f"{spec.dpi} dpi"))
    if spec.stream is not None and stream != spec.stream:
        kept.append((f"RFB server {stream}", spec.stream))
    if spec.runtime is not None and info.runtime != spec.runtime:
        kept.append((f"runtime {info.runtime}", f"the runtime {spec.runtime}"))
    return [
        f"The display {info.name!r} was there already and keeps its {has}. "
        f"For {wanted} stop it first: %xdisplay stop --name {info.name}"
        for has, wanted in kept
    ]
