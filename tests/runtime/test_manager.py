"""The manager of displays, on real sidecars."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_xdisplay.errors import (
    DisplayNotFound,
    LimitReached,
    ProgramMissing,
    StartFailed,
    UsageError,
)
from jupyter_xdisplay.runtime.kept_display import KERNEL_ENDED
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec, Size
from tests.rfb_viewer import viewer_of
from tests.traces import processes_of, traces
from tests.waiting import until
from tests.xclient import running

Make = Callable[..., DisplayManager]


def _pids(info: DisplayInfo) -> dict[str, int]:
    """Return the processes of a display by name (the sidecar's is a Python)."""
    return {name: pid for pid, name in processes_of(Path(info.socket).parent).items()}


def _sidecar_pid(info: DisplayInfo) -> int:
    return next(pid for name, pid in _pids(info).items() if name.startswith("python"))


async def _ended(manager: DisplayManager, info: DisplayInfo) -> DisplayInfo:
    return await until(
        lambda: (now := manager.get(info.id)).state == "ended" and now  # type: ignore[return-value]
    )


async def test_creating_twice_gives_the_same_display(manager: DisplayManager) -> None:
    """One display for a kernel and a name."""
    first = await manager.create(DisplaySpec(), "kernel-1")
    assert (await manager.create(DisplaySpec(), "kernel-1")).id == first.id
    assert (first.name, first.kernel_id, first.size) == ("main", "kernel-1", Size(320, 240))
    assert first.created
    assert manager.get(first.id).display == first.display


async def test_creating_at_once_gives_the_same_display(manager: DisplayManager) -> None:
    """Cells, buttons and restarts may ask at the same moment."""
    infos = await asyncio.gather(*(manager.create(DisplaySpec(), "kernel-1") for _ in range(4)))
    assert len({info.id for info in infos}) == 1
    assert len(manager.list_displays()) == 1


async def test_names_and_kernels_have_displays_of_their_own(manager: DisplayManager) -> None:
    """Another name or another kernel is another display; lists are told apart."""
    infos = await asyncio.gather(
        manager.create(DisplaySpec(), "kernel-1"),
        manager.create(DisplaySpec(name="other"), "kernel-1"),
        manager.create(DisplaySpec(), "kernel-2"),
        manager.create(DisplaySpec()),
    )
    assert len({info.id for info in infos}) == 4
    assert len({info.display for info in infos}) == 4
    assert {info.id for info in manager.list_displays("kernel-1")} == {infos[0].id, infos[1].id}
    assert len(manager.list_displays()) == 4
    await manager.forget_kernel("kernel-1")
    assert [info.state for info in manager.list_displays("kernel-1")] == ["ended", "ended"]
    assert manager.get(infos[2].id).state == manager.get(infos[3].id).state == "running"


async def test_the_most_displays_is_kept_also_at_once(make_manager: Make) -> None:
    """What is starting counts; the error names the setting; an end makes room."""
    manager = make_manager(max_displays=1)
    results = await asyncio.gather(
        *(manager.create(DisplaySpec(name=f"n{n}")) for n in range(3)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, LimitReached)]
    assert len(refused) == 2
    assert "max_displays" in str(refused[0].fix)
    (info,) = [result for result in results if isinstance(result, DisplayInfo)]
    await manager.stop(info.id)
    assert (await manager.create(DisplaySpec(name="next"))).state == "running"


async def test_a_failed_start_makes_no_entry_and_keeps_no_place(make_manager: Make) -> None:
    """After a failure the next one may start."""
    manager = make_manager(max_displays=1)
    manager.runtime.xvfb_args = ["-no-such-option"]
    with pytest.raises(StartFailed) as caught:
        await manager.create(DisplaySpec())
    assert "-no-such-option" in "\n".join(caught.value.log)
    assert manager.list_displays() == []
    manager.runtime.xvfb_args = []
    assert (await manager.create(DisplaySpec())).state == "running"


async def test_a_program_that_is_not_installed_is_named(manager: DisplayManager) -> None:
    """The name, the command that installs it, the setting that says where it is."""
    manager.runtime.openbox = "no-such-openbox"
    with pytest.raises(ProgramMissing) as caught:
        await manager.create(DisplaySpec())
    assert "no-such-openbox" in caught.value.message
    assert "jupyter xdisplay setup" in str(caught.value.fix)
    assert "LocalRuntime.openbox" in str(caught.value.fix)


async def test_x11vnc_is_needed_only_where_it_is_chosen(manager: DisplayManager) -> None:
    """Without it displays start; whoever asks for it is told both ways out."""
    manager.runtime.x11vnc = "no-such-x11vnc"
    with pytest.raises(ProgramMissing) as caught:
        await manager.create(DisplaySpec(stream="x11vnc"))
    assert "no-such-x11vnc" in caught.value.message
    for part in ("--stream builtin", "jupyter xdisplay setup --with x11vnc", "LocalRuntime.x11vnc"):
        assert part in str(caught.value.fix)
    info = await manager.create(DisplaySpec())
    assert (info.state, info.chosen["stream"].partition(":")[0]) == ("running", "builtin")


@pytest.mark.parametrize("size", [Size(801, 600), Size(99999, 99999), Size(0, 0)])
async def test_a_size_that_cannot_be_starts_nothing(
    manager: DisplayManager, leftovers: Path, size: Size
) -> None:
    """It is refused before anything runs."""
    with pytest.raises(UsageError):
        await manager.create(DisplaySpec(size=size))
    assert traces(leftovers).files == frozenset()


async def test_an_explicit_size_resizes_a_running_display(manager: DisplayManager) -> None:
    """`%xdisplay --size` on a display that is there; DPI and other fields stay."""
    info = await manager.create(DisplaySpec(dpi=120))
    resized = await manager.create(DisplaySpec(size=Size(640, 480)))
    assert (resized.id, resized.size, resized.dpi) == (info.id, Size(640, 480), 120)
    assert (await manager.resize(info.id, DisplaySpec(size=Size(500, 400)))).size == (500, 400)
    with pytest.raises(UsageError):
        await manager.resize(info.id, DisplaySpec(size=Size(900, 400)))
    assert manager.get(info.id).size == (500, 400)


async def test_unknown_displays_are_not_found(manager: DisplayManager) -> None:
    """Every call by an id that is not kept."""
    for call in (manager.stop, manager.screenshot):
        with pytest.raises(DisplayNotFound):
            await call("0123456789ab")
    with pytest.raises(DisplayNotFound):
        manager.get("0123456789ab")
    with pytest.raises(DisplayNotFound):
        async for _ in manager.watch("0123456789ab"):
            pass


async def test_a_stopped_display_is_remembered_with_its_last_picture(
    manager: DisplayManager,
) -> None:
    """Views and kernels are told why; the picture is that of the moment."""
    info = await manager.create(DisplaySpec(), "kernel-1")
    told = [item async for item in _watch_and(manager, info, lambda: manager.stop(info.id))]
    assert (told[-1].state, told[-1].reason) == ("ended", "It was stopped.")
    assert told[-1].fix
    assert manager.get(info.id) == told[-1]
    assert (await manager.screenshot(info.id)).startswith(b"\x89PNG")
    assert (await manager.stop(info.id)).state == "ended"
    assert not Path(info.socket).parent.exists()
    assert (await manager.create(DisplaySpec(), "kernel-1")).id != info.id


async def _watch_and(manager: DisplayManager, info: DisplayInfo, act: Callable):  # type: ignore[no-untyped-def]
    acting = None
    async for told in manager.watch(info.id):
        acting = acting or asyncio.ensure_future(act())
        yield told
    assert acting is not None
    await acting


async def test_stop_parks_a_display_that_the_kernel_is_connected_to(
    manager: DisplayManager,
) -> None:
    """Its end would be the kernel's end: others' windows go, the X server stays; start unparks."""
    info = await manager.create(DisplaySpec(), "kernel-1")
    with running(info, "quiet") as kernel, running(info, "window") as other:
        manager.kernel_pids["kernel-1"] = kernel.pid
        parked = await manager.stop(info.id)
        assert (parked.state, parked.kernel_id) == ("parked", "kernel-1")
        assert await asyncio.to_thread(other.wait, 20) is not None
        assert kernel.poll() is None
        assert (await manager.stop(info.id)).state == "parked"
        again = await manager.create(DisplaySpec(), "kernel-1")
        assert (again.id, again.state) == (info.id, "running")
        (await asyncio.to_thread(viewer_of, SidecarClient(info.socket))).close()
        forced = await manager.stop(info.id, force=True)
        assert forced.state == "ended"


async def test_a_parked_display_ends_once_its_kernel_has_let_go(manager: DisplayManager) -> None:
    """Parked for a connection that is gone: nothing keeps it any more."""
    info = await manager.create(DisplaySpec(), "kernel-1")
    with running(info, "quiet") as kernel:
        manager.kernel_pids["kernel-1"] = kernel.pid
        assert (await manager.stop(info.id)).state == "parked"
    assert (await manager.stop(info.id)).state == "ended"


async def test_a_new_kernel_process_finds_its_display_running(manager: DisplayManager) -> None:
    """`clear` closes the former process's windows and unparks, known at once."""
    info = await manager.create(DisplaySpec(), "kernel-1")
    with running(info, "window") as kernel:
        manager.kernel_pids["kernel-1"] = kernel.pid
        assert (await manager.stop(info.id)).state == "parked"
        await manager.clear("kernel-1")
        assert manager.get(info.id).state == "running"
        assert await asyncio.to_thread(kernel.wait, 20) is not None


async def test_a_killed_x_server_is_told_with_its_price(manager: DisplayManager) -> None:
    """Reason and log are kept; a kernel that was connected is told what happened to it."""
    info = await manager.create(DisplaySpec(), "kernel-1")
    with running(info, "quiet") as kernel:
        manager.kernel_pids["kernel-1"] = kernel.pid
        await until(lambda: kernel.pid in manager.get(info.id).clients)
        os.kill(_pids(info)["Xvfb"], signal.SIGKILL)
        ended = await _ended(manager, info)
    assert "SIGKILL" in str(ended.reason)
    assert KERNEL_ENDED in str(ended.reason)
    assert ended.kernel_id == "kernel-1"
    assert (await manager.create(DisplaySpec(), "kernel-1")).id != info.id


async def test_a_killed_sidecar_is_noticed_and_cleaned_up_after(manager: DisplayManager) -> None:
    """Its display is ended for all who watch, its directory and programs are gone."""
    info = await manager.create(DisplaySpec())
    os.kill(_sidecar_pid(info), signal.SIGKILL)
    ended = await _ended(manager, info)
    assert "killed" in str(ended.reason)
    await until(lambda: not Path(info.socket).parent.exists())
    assert (await manager.create(DisplaySpec())).state == "running"


async def test_a_stopped_sidecar_is_ended_all_the_same(manager: DisplayManager) -> None:
    """One that answers nothing is killed after a while, and cleaned up after."""
    info = await manager.create(DisplaySpec())
    os.kill(_sidecar_pid(info), signal.SIGSTOP)
    assert (await manager.stop(info.id)).state == "ended"
    assert not Path(info.socket).parent.exists()


async def test_idle_displays_are_ended_and_used_ones_are_not(make_manager: Make) -> None:
    """A viewer, a window or a connected program is use; none of them is idleness."""
    manager = make_manager(idle_timeout_s=0.001)
    idle = await manager.create(DisplaySpec(name="idle"))
    viewed = await manager.create(DisplaySpec(name="viewed"))
    connected = await manager.create(DisplaySpec(name="connected"))
    viewer = await asyncio.to_thread(viewer_of, SidecarClient(viewed.socket))
    with running(connected, "quiet"):
        await until(lambda: manager.get(viewed.id).viewers)
        await until(lambda: manager.get(connected.id).clients)
        await asyncio.sleep(0.01)
        await manager.end_idle()
        states = {info.name: info.state for info in manager.list_displays()}
        assert states == {"idle": "ended", "viewed": "running", "connected": "running"}
        assert manager.get(idle.id).reason
    viewer.close()
    await until(lambda: not manager.get(viewed.id).viewers)
    await until(lambda: not manager.get(connected.id).clients)
    await manager.end_idle()
    assert {info.state for info in manager.list_displays()} == {"ended"}


async def test_without_an_idle_time_nothing_is_idle(manager: DisplayManager) -> None:
    """By default a display lives as long as its kernel."""
    info = await manager.create(DisplaySpec())
    await manager.end_idle()
    assert manager.get(info.id).state == "running"


async def test_managers_leave_each_others_displays_alone(make_manager: Make) -> None:
    """Two servers of one user: neither reaping nor closing touches the other's."""
    first, second = make_manager(), make_manager()
    mine, theirs = await first.create(DisplaySpec()), await second.create(DisplaySpec())
    assert first.runtime.reap() == 0
    with pytest.raises(DisplayNotFound):
        first.get(theirs.id)
    await first.close()
    assert first.get(mine.id).state == "ended"
    assert SidecarClient(theirs.socket).info().state == "running"


async def test_closing_is_idempotent(manager: DisplayManager) -> None:
    """A second close finds nothing to do."""
    await manager.create(DisplaySpec())
    await manager.close()
    await manager.close()


async def test_a_cancelled_start_leaves_nothing(manager: DisplayManager, leftovers: Path) -> None:
    """A request that went away while its display came up."""
    for delay_s in (0, 0.05, 0.15):
        starting = asyncio.ensure_future(manager.create(DisplaySpec()))
        await asyncio.sleep(delay_s)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
    await until(lambda: not list(leftovers.glob("*")))
    assert manager.list_displays() == []


async def test_everything_of_a_display_is_private(manager: DisplayManager) -> None:
    """Directories 0700, files 0600, whatever the umask of the manager's process."""
    previous = os.umask(0)
    try:
        info = await manager.create(DisplaySpec())
    finally:
        os.umask(previous)
    directory = Path(info.socket).parent
    for path in [directory, *directory.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


async def test_ended_displays_are_not_remembered_for_ever(
    manager: DisplayManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory of ended displays has a bound."""
    from jupyter_xdisplay.runtime import manager as module

    monkeypatch.setattr(module, "ENDED_KEPT", 1)
    for _ in range(3):
        info = await manager.create(DisplaySpec())
        await manager.stop(info.id)
    last = await manager.create(DisplaySpec())
    assert [i.id for i in manager.list_displays()] == [last.id, info.id]


def _open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.soak
async def test_starting_and_stopping_leaks_nothing(
    manager: DisplayManager, leftovers: Path
) -> None:
    """After many cycles: no more descriptors, files, processes, segments than after a few."""
    cycles = 200 if os.environ.get("XDISPLAY_SOAK") else 10

    async def cycle(number: int) -> None:
        info = await manager.create(DisplaySpec(), f"kernel-{number % 3}")
        if number % 2:
            await asyncio.to_thread(_look, info)
        await manager.stop(info.id)

    for number in range(3):
        await cycle(number)
    before, descriptors = traces(leftovers), _open_descriptors()
    for number in range(cycles):
        await cycle(number)
    assert traces(leftovers) - before == []
    assert _open_descriptors() <= descriptors


def _look(info: DisplayInfo) -> None:
    viewer = viewer_of(SidecarClient(info.socket))
    viewer.prefer_raw()
    viewer.ask()
    viewer.update_bytes()
    viewer.close()
