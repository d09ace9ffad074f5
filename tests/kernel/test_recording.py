"""Recordings: what is in the files, read back by Pillow and PyAV."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from jupyter_xdisplay.errors import ProgramMissing, UsageError
from jupyter_xdisplay.kernel.display import Display
from jupyter_xdisplay.recording import Picture, Recording, check
from jupyter_xdisplay.x11.geometry import Rect
from tests.kernel.probe import Client
from tests.waiting import wait_until

SIZE = 20
RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def plain(colour: tuple[int, int, int], width: int = 64, height: int = 48) -> Picture:
    """Return a picture of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def frames_of(path: Path) -> list[tuple[Picture, int]]:
    """Return the pictures of a GIF and their durations in milliseconds."""
    with Image.open(path) as image:
        return [
            (np.asarray(frame.convert("RGB")), frame.info["duration"])
            for frame in ImageSequence.Iterator(image)
        ]


def near(picture: Picture, x: int, y: int, colour: tuple[int, int, int], most: int = 8) -> bool:
    """Tell whether a pixel has about a colour."""
    return int(np.abs(picture[y, x].astype(int) - colour).max()) <= most


@pytest.fixture
def taken() -> Iterator[Recording]:
    """Give an empty recording."""
    with Recording() as recording:
        yield recording


def test_gif_has_the_changes_and_their_times(taken: Recording, tmp_path: Path) -> None:
    """Frames that show nothing new are not in it; the durations add up to the whole."""
    for number, colour in enumerate([RED, RED, GREEN, GREEN, GREEN, WHITE]):
        taken.add(plain(colour), number / 10)
    path = tmp_path / "a.gif"
    taken.save(path, 0.75, 10)
    frames = frames_of(path)
    assert [duration for _, duration in frames] == [200, 300, 250]
    for (picture, _), colour in zip(frames, [RED, GREEN, WHITE], strict=True):
        assert near(picture, 5, 5, colour)
    assert Image.open(path).info["loop"] == 0


def test_gif_times_do_not_drift(taken: Recording, tmp_path: Path) -> None:
    """Thirds of a second are rounded so that the sum stays right; too short ones are left out."""
    times = [number / 30 for number in range(30)] + [0.995]
    for number, time_s in enumerate(times):
        taken.add(plain((8 * number, 0, 0)), time_s)
    taken.save(tmp_path / "a.gif", 1.02, 25)
    durations = [duration for _, duration in frames_of(tmp_path / "a.gif")]
    assert sum(durations) == 1020
    assert min(durations) >= 20
    assert len(durations) == 31


def test_gif_palette_is_shared_and_fits(taken: Recording, tmp_path: Path) -> None:
    """Few colours are kept as they are; a photograph gets near ones; one palette for all."""
    taken.add(plain((1, 2, 3)), 0)
    taken.add(plain((250, 130, 7)), 0.1)
    taken.save(tmp_path / "few.gif", 0.2, 10)
    assert [tuple(picture[0, 0]) for picture, _ in frames_of(tmp_path / "few.gif")] == [
        (1, 2, 3),
        (250, 130, 7),
    ]
    across = np.linspace(0, 255, 200, dtype=np.uint8)
    shades = np.stack(
        np.broadcast_arrays(across[None, :], across[:100, None], np.uint8(90)), axis=2
    )
    with Recording() as many:
        for number in range(4):
            many.add(np.roll(shades, 10 * number, axis=1), number / 10)
        many.save(tmp_path / "many.gif", 0.4, 10)
    first, _ = frames_of(tmp_path / "many.gif")[0]
    assert np.abs(first.astype(int) - shades).mean() < 12
    assert _local_palettes(tmp_path / "many.gif") == 0


def _local_palettes(path: Path) -> int:
    """Count the frames with a colour table of their own (GIF89a, 20: image descriptor)."""
    data = path.read_bytes()
    at, count = 13 + 3 * (2 << (data[10] & 7)), 0
    while data[at] != 0x3B:
        if data[at] == 0x21:
            at += 2
        else:
            flags = data[at + 9]
            count += flags >> 7
            at += 10 + (3 * (2 << (flags & 7)) if flags >> 7 else 0) + 1
        while data[at]:
            at += data[at] + 1
        at += 1
    return count


def test_frames_of_other_sizes_and_places(taken: Recording, tmp_path: Path) -> None:
    """The window stays where it is while a menu reaches beyond it; the rest is white."""
    taken.add(plain(RED, 60, 40), 0)
    with_menu = plain(WHITE, 80, 50)
    with_menu[10:, 20:] = RED
    with_menu[:20, :30] = GREEN
    taken.add(with_menu, 0.1, (-20, -10))
    taken.save(tmp_path / "a.gif", 0.2, 10)
    (before, _), (after, _) = frames_of(tmp_path / "a.gif")
    assert before.shape == after.shape == (50, 80, 3)
    assert near(before, 10, 5, WHITE)
    assert near(after, 10, 5, GREEN)
    assert near(before, 50, 30, RED)
    assert near(after, 50, 30, RED)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_videos(taken: Recording, tmp_path: Path, suffix: str) -> None:
    """Each frame is there for its time, also of odd sizes."""
    taken.add(plain(RED, 65, 49), 0)
    taken.add(plain(GREEN, 65, 49), 0.5)
    path = tmp_path / f"a{suffix}"
    taken.save(path, 1.5, 20)
    with av.open(str(path)) as video:
        (stream,) = video.streams.video
        assert stream.average_rate == 20
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(stream)]
    assert len(pictures) == 30
    assert pictures[0].shape == (50, 66, 3)
    assert [near(picture, 30, 20, RED, 40) for picture in pictures] == [True] * 10 + [False] * 20
    assert [near(picture, 64, 48, GREEN, 40) for picture in pictures] == [False] * 10 + [True] * 20


@pytest.mark.parametrize(
    ("name", "seconds", "fps", "message"),
    [
        ("a.avi", 1.0, 10.0, "no format"),
        ("a", 1.0, 10.0, "no format"),
        ("a.gif", 1.0, 60.0, "60 frames a second"),
        ("a.gif", 3600.0, 10.0, "3600 s"),
        ("a.gif", 0.0, 10.0, "0 s"),
        ("a.mp4", 1.0, 0.0, "0 frames a second"),
        ("missing/a.gif", 1.0, 10.0, "cannot be written"),
    ],
)
def test_what_cannot_be_recorded(
    tmp_path: Path, name: str, seconds: float, fps: float, message: str
) -> None:
    """Known before anything is recorded, and with a fix."""
    with pytest.raises(UsageError, match=message) as caught:
        check(tmp_path / name, seconds, fps)
    assert caught.value.fix
    assert not list(tmp_path.iterdir())


def test_video_without_av(
    monkeypatch: pytest.MonkeyPatch, d: Display, client: Client, tmp_path: Path
) -> None:
    """The error says what to install, before anything is recorded; GIF needs nothing."""
    monkeypatch.setattr("sys.path", [])
    monkeypatch.delitem(__import__("sys").modules, "av", raising=False)
    with pytest.raises(ProgramMissing, match="pip install av"):
        client.window.record(tmp_path / "a.mp4")
    check(tmp_path / "a.gif", 1, 10)


def test_a_file_that_is_there_stays_until_all_is_written(taken: Recording, tmp_path: Path) -> None:
    """A recording that fails leaves the earlier one, and nothing else."""
    path = tmp_path / "a.gif"
    path.write_bytes(b"earlier")
    with pytest.raises(UsageError, match="0 frames"):
        taken.save(path, 1, 10)
    assert path.read_bytes() == b"earlier"
    taken.add(plain(RED), 0)
    taken.save(path, 1, 10)
    assert [duration for _, duration in frames_of(path)] == [1000]
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def client(d: Display) -> Iterator[Client]:
    """Give an X client that draws."""
    client = Client(d)
    yield client
    client.close()


def _move(client: Client, stop: threading.Event) -> None:
    """Move a red square to the right, some pixels at a time."""
    x = 0
    while not stop.wait(0.04):
        client.drawing.fill(Rect(0, 0, 300, 200), 0xFFFFFF)
        client.drawing.fill(Rect(x, 80, SIZE, SIZE), 0xFF0000)
        x = (x + 4) % 280


def _places(pictures: list[Picture]) -> list[int]:
    """Return where the red square begins in each picture that has all of it."""
    found = []
    for picture in pictures:
        row = picture[90].astype(int)
        red = np.flatnonzero((row[:, 0] > 150) & (row[:, 1] < 110))
        if len(red) >= SIZE - 4:
            found.append(int(red[0]))
    return found


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_recording_a_window(client: Client, tmp_path: Path, suffix: str) -> None:
    """The frames show the movement, and last as long as was asked for."""
    stop = threading.Event()
    moving = threading.Thread(target=_move, args=(client, stop), daemon=True)
    moving.start()
    try:
        path = client.window.record(tmp_path / f"run{suffix}", seconds=1.5, fps=10)
    finally:
        stop.set()
        moving.join()
    if suffix == ".gif":
        frames = frames_of(path)
        assert sum(duration for _, duration in frames) == 1500
        pictures = [picture for picture, _ in frames]
    else:
        with av.open(str(path)) as video:
            pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert len(pictures) == 15
    assert {picture.shape for picture in pictures} == {(200, 300, 3)}
    places = _places(pictures)
    assert len(set(places)) >= 4
    assert places == sorted(places)


def test_recording_a_window_that_rests(client: Client, tmp_path: Path) -> None:
    """One frame is enough."""
    client.drawing.fill(Rect(0, 0, 300, 200), 0xFF0000)
    client.window.wait(pixel=(5, 5, "red"))
    path = client.window.record(tmp_path / "rest.gif", seconds=0.5)
    assert [duration for _, duration in frames_of(path)] == [500]


def test_recording_a_window_that_closes(d: Display, tmp_path: Path) -> None:
    """The recording ends with the window, and has what there was."""
    client = Client(d)
    client.drawing.fill(Rect(0, 0, 300, 200), 0x00FF00)
    client.window.wait(pixel=(5, 5, "lime"))
    recorded: list[Path] = []

    def record() -> None:
        recorded.append(client.window.record(tmp_path / "end.mp4", seconds=60))

    recording = threading.Thread(target=record, daemon=True)
    recording.start()
    wait_until(lambda: d.info.viewers == 1)
    client.window.wait(pixel=(6, 6, "lime"))
    threading.Event().wait(0.3)
    client.close()
    recording.join(20)
    with av.open(str(recorded[0])) as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert 1 <= len(pictures) < 100
    assert near(pictures[0], 5, 5, GREEN, 40)
