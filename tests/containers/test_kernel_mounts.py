"""Which folders of this machine a kernel in a container sees, and what they lead to."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_xdisplay.containers.options import Volume
from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.runtime.kernel_mounts import (
    Secrets,
    find_secrets,
    follow,
    resolve,
    served_folder,
)

NONE = Secrets(Path("/nowhere/root"))
ADD = "jupyter xdisplay kernel add --image IMAGE --name NAME"


def volume(source: Path | str, target: str = "/data", *, read_only: bool = False) -> Volume:
    """Return a folder to mount."""
    return Volume(str(source), target, read_only)


@pytest.mark.parametrize(
    ("cwd", "served", "seen"),
    [
        ("/home/ada/work/deep", "/home/ada/work", "/home/ada/work"),
        ("/home/ada/work", "/home/ada/work", "/home/ada/work"),
        ("/data/other", "/home/ada/work", "/data/other"),
        ("/data/other", None, "/data/other"),
        ("/srv/notebooks", "/", "/srv/notebooks"),
        ("/tmp/notebooks", "/tmp", "/tmp/notebooks"),
        ("/tmp", "/tmp", None),
        ("/run/user/1000/notebooks", None, None),
        ("/", "/", None),
    ],
)
def test_what_a_kernel_sees_of_this_machine(cwd: str, served: str | None, seen: str | None) -> None:
    """The folder that Jupyter serves; never one that holds the host's sockets."""
    found = served_folder(Path(cwd), Path(served) if served else None, NONE)
    assert found == (None if seen is None else Volume(seen, seen, read_only=False))


def test_a_served_folder_that_is_a_link(tmp_path: Path) -> None:
    """It is where the user sees it, and what it leads to; not where that is never mounted."""
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to("real")
    found = served_folder(link, link, NONE)
    assert found == Volume(str(tmp_path / "real"), str(link), read_only=False)
    link.unlink()
    link.symlink_to("/tmp")
    assert served_folder(link, link, NONE) is None
    # a folder below that leads out of what is served is mounted by itself
    (tmp_path / "elsewhere").mkdir()
    out = tmp_path / "real" / "out"
    out.symlink_to(tmp_path / "elsewhere")
    seen = served_folder(out, tmp_path / "real", NONE)
    assert seen == Volume(str(tmp_path / "elsewhere"), str(out), read_only=False)


@pytest.mark.parametrize("place", ["/", "/run", "/tmp", "/proc/self", "/run/user/1"])
def test_a_link_to_what_is_never_mounted(tmp_path: Path, place: str) -> None:
    """However many links lead there, it is refused, with a fix."""
    (tmp_path / "a").symlink_to(place)
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(UsageError, match="is not mounted into kernels") as caught:
        resolve([volume(tmp_path / "b")], NONE, ADD)
    assert ADD in (caught.value.fix or "")


def test_a_link_through_proc(tmp_path: Path) -> None:
    """What is read of such a link is not what the engine would mount."""
    (tmp_path / "a").symlink_to("/proc/self/root/srv")
    with pytest.raises(UsageError, match="is not mounted"):
        resolve([volume(tmp_path / "a")], NONE, ADD)


def test_a_link_that_the_kernel_can_replace(tmp_path: Path) -> None:
    """It may lead anywhere at the next start; one that it cannot write is followed."""
    served, data = tmp_path / "served", tmp_path / "data"
    served.mkdir()
    data.mkdir()
    (served / "data").symlink_to(data)
    (tmp_path / "link").symlink_to(data)
    wanted = [volume(served, str(served)), volume(served / "data")]
    with pytest.raises(UsageError, match="is a symbolic link") as caught:
        resolve(wanted, NONE, ADD)
    assert f"--volume {data}:/data" in (caught.value.fix or "")
    by_way_of = [volume(served, str(served)), volume(tmp_path / "twice")]
    (tmp_path / "twice").symlink_to(served / "data")
    with pytest.raises(UsageError, match="is a symbolic link"):
        resolve(by_way_of, NONE, ADD)
    read_only = [volume(served, str(served), read_only=True), volume(served / "data")]
    assert [one.source for one in resolve(read_only, NONE, ADD).volumes] == [str(served), str(data)]
    admins = [volume(served, str(served)), volume(tmp_path / "link")]
    assert [one.source for one in resolve(admins, NONE, ADD).volumes] == [str(served), str(data)]


def test_secrets_are_covered_wherever_they_would_be(tmp_path: Path) -> None:
    """Our own directories and engines' sockets, at each target; themselves they are refused."""
    home = tmp_path / "home"
    root, desktop, engine = home / "x", home / ".docker" / "run", home / "engine"
    for folder in (root, desktop, engine):
        folder.mkdir(parents=True)
    variables = {"DOCKER_HOST": f"unix://{engine}/docker.sock", "HOME": str(home)}
    secrets = find_secrets(root, variables)
    assert find_secrets(root, {"DOCKER_HOST": "tcp://elsewhere:2376"}).sockets == []
    wanted = [
        volume(home, str(home)),
        volume(home, "/data", read_only=True),
        volume(desktop.parent),
    ]
    hidden = resolve(wanted, secrets, ADD).hidden
    assert set(hidden) == {
        *(str(folder) for folder in (root, desktop, engine)),
        *(f"/data/{name}" for name in ("x", ".docker/run", "engine", "run")),
    }
    over = [*wanted, volume(tmp_path, str(engine))]  # covers it, and has it itself
    assert str(engine) not in resolve(over, secrets, ADD).hidden
    for folder in (root, root / "d-1", engine, desktop):
        assert served_folder(folder, folder, secrets) is None
        with pytest.raises(UsageError):
            resolve([volume(folder)], secrets, ADD)


def test_links_are_followed_as_linux_does(tmp_path: Path) -> None:
    """With dots, absolute and relative; a circle has an end."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "up").symlink_to("b/../../a")
    (tmp_path / "round").symlink_to("round")
    path = tmp_path / "a" / "up" / ".." / "a" / "b"
    assert follow(str(path)) == (path.resolve(), [tmp_path / "a" / "up"])
    assert follow(f"{tmp_path}/nowhere/x") == (tmp_path / "nowhere" / "x", [])
    with pytest.raises(OSError, match="symbolic links"):
        follow(str(tmp_path / "round"))
