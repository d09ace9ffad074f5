"""Sizes, names, depths, and the JSON of displays."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.spec import (
    DEPTHS,
    MIN_SIDE,
    NAME_PATTERN,
    STREAMS,
    DisplayInfo,
    DisplaySpec,
    Size,
    ViewerInfo,
    VncAccess,
    VncPort,
    WindowInfo,
    check_depth,
    check_name,
    check_size,
    parse_size,
)

sides = st.integers(MIN_SIDE, 32767)
sizes = st.builds(Size, sides, sides)
names = st.from_regex(NAME_PATTERN, fullmatch=True)
specs = st.builds(
    DisplaySpec,
    name=names,
    size=st.none() | sizes,
    dpi=st.none() | st.integers(20, 1000),
    depth=st.none() | st.sampled_from(DEPTHS),
    stream=st.none() | st.sampled_from(STREAMS),
)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.integers(0, 1 << 31)
windows = st.builds(
    WindowInfo,
    id=numbers,
    title=texts,
    wm_class=texts,
    pid=numbers,
    x=st.integers(-32768, 32767),
    y=st.integers(-32768, 32767),
    width=sides,
    height=sides,
    responding=st.none() | st.booleans(),
)
vnc_ports = st.builds(VncPort, texts, st.integers(1, 65535), st.booleans())
infos = st.builds(
    DisplayInfo,
    id=texts,
    name=names,
    state=st.sampled_from(["running", "parked", "ended"]),
    display=texts,
    xauthority=texts,
    socket=texts,
    size=sizes,
    max_size=sizes,
    dpi=numbers,
    depth=st.sampled_from(DEPTHS),
    kernel_id=st.none() | texts,
    viewers=numbers,
    windows=st.lists(windows, max_size=3).map(tuple),
    clients=st.lists(numbers, max_size=3).map(tuple),
    chosen=st.dictionaries(texts, texts, max_size=3),
    vnc=st.none() | vnc_ports,
    notice=st.none() | texts,
    reason=st.none() | texts,
    fix=st.none() | texts,
    log=st.lists(texts, max_size=3).map(tuple),
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1280x720", (1280, 720)),
        (" 1280 X 720 ", (1280, 720)),
        ("1280\u00d7720", (1280, 720)),
        ("64x64", (64, 64)),
        ("0064x00064", (64, 64)),
    ],
)
def test_sizes_are_read(text: str, size: tuple[int, int]) -> None:
    """A size is width, x and height, with blanks and either kind of x."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "0x0",
        "63x64",
        "64x63",
        "abc",
        "",
        "1280",
        "1280x",
        "x720",
        "-1280x720",
        "1280x-720",
        "1280.5x720",
        "1e3x1e3",
        "1280x720x24",
        "1280,720",
        "0x50x720",
        "1280x720\n900x700",
        "1280x720\0",
        "\u0661\u0662\u0668\u0660x\u0667\u0662\u0660",
        "\uff11\uff12\uff18\uff10x\uff17\uff12\uff10",
        "\u00b2\u00b2\u00b2x\u00b2\u00b2\u00b2",
        "9" * 400 + "x720",
    ],
)
def test_what_is_no_size_is_refused_with_a_fix(text: str) -> None:
    """Sizes that cannot be, and words that are none, say what a size looks like."""
    with pytest.raises(UsageError) as caught:
        parse_size(text)
    assert caught.value.fix


def test_a_size_larger_than_the_largest_names_both_and_the_setting() -> None:
    """99999x99999 is refused with the largest size and the setting that raises it."""
    with pytest.raises(UsageError) as caught:
        parse_size("99999x99999", largest=Size(3840, 2160))
    assert "99999x99999" in caught.value.message
    assert "3840x2160" in caught.value.message
    assert "LocalRuntime.max_size" in str(caught.value.fix)


@pytest.mark.parametrize("size", [Size(3841, 100), Size(100, 2161)])
def test_one_side_too_large_is_too_large(size: Size) -> None:
    """Each side counts by itself."""
    with pytest.raises(UsageError):
        check_size(size, largest=Size(3840, 2160))


@given(sizes)
def test_a_size_reads_what_it_writes(size: Size) -> None:
    """`str(size)` and `parse_size` are each other's reverse."""
    assert parse_size(str(size)) == size


@given(texts)
def test_any_text_gives_a_size_or_a_usage_error(text: str) -> None:
    """No text makes another error."""
    try:
        size = parse_size(text)
    except UsageError:
        return
    assert min(size) >= MIN_SIDE


@pytest.mark.parametrize("name", ["main", "a", "A.b_c-9", "9", "x" * 32])
def test_names_are_taken(name: str) -> None:
    """Letters, digits, dots, underscores and hyphens name a display."""
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-a", "_a", "a/b", "../a", "a b", "x" * 33, "\u00e9", "a\n", "\u0661"]
)
def test_names_that_could_be_paths_or_options_are_refused(name: str) -> None:
    """What could be an option, a path or another line names no display."""
    with pytest.raises(UsageError):
        check_name(name)


@pytest.mark.parametrize("depth", [*DEPTHS, None])
def test_depths_are_taken(depth: int | None) -> None:
    """True colour depths, and none for the default."""
    assert check_depth(depth) == depth


@pytest.mark.parametrize("depth", [0, 1, 8, 15, 30, 32, -24])
def test_other_depths_are_refused(depth: int) -> None:
    """Palettes and depths that cannot be captured are refused."""
    with pytest.raises(UsageError):
        check_depth(depth)


@given(specs)
def test_a_spec_crosses_a_seam_unchanged(spec: DisplaySpec) -> None:
    """What is asked is the same on the other side of JSON."""
    assert DisplaySpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@given(infos)
def test_an_info_crosses_a_seam_unchanged(info: DisplayInfo) -> None:
    """What is there is the same on the other side of JSON."""
    assert DisplayInfo.from_json(json.loads(json.dumps(info.to_json()))) == info


@given(infos)
def test_a_newer_sidecar_may_say_more(info: DisplayInfo) -> None:
    """Unknown fields are left out, in displays and in their windows."""
    value = json.loads(json.dumps(info.to_json()))
    value["encoding"] = "tight"
    for window in value["windows"]:
        window["opacity"] = 1
    assert DisplayInfo.from_json(value) == info


@pytest.mark.parametrize(
    "value",
    [
        {"colour": "red"},
        {"name": "a/b"},
        {"name": ["main"]},
        {"size": "abc"},
        {"size": "0x0"},
        {"size": [1280]},
        {"size": [1280, 720, 24]},
        {"size": [1280.0, 720]},
        {"size": ["1280", "720"]},
        {"size": [True, True]},
        {"size": [10, 10]},
        {"size": {"width": 1280}},
        {"size": 1280},
        {"dpi": 0},
        {"dpi": 5000},
        {"dpi": "96"},
        {"dpi": 96.0},
        {"dpi": True},
        {"depth": 8},
        {"depth": 24.0},
        {"depth": "24"},
        {"stream": "x12vnc"},
        {"stream": ["x11vnc"]},
        {"stream": ""},
    ],
)
def test_a_spec_of_wrong_values_is_refused(value: dict[str, Any]) -> None:
    """Unknown fields, wrong types and ranges are usage errors with a fix."""
    with pytest.raises(UsageError) as caught:
        DisplaySpec.from_json(value)
    assert caught.value.fix


@given(
    st.dictionaries(
        st.sampled_from(["name", "size", "dpi", "depth", "stream", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | texts,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
            max_leaves=5,
        ),
    )
)
def test_any_object_gives_a_spec_or_a_usage_error(value: dict[str, Any]) -> None:
    """No JSON object makes another error."""
    try:
        DisplaySpec.from_json(value)
    except UsageError:
        return


def test_a_size_may_be_given_as_text() -> None:
    """Requests may say "1280x720"."""
    assert DisplaySpec.from_json({"size": "1280x720"}).size == Size(1280, 720)


def test_a_viewer_crosses_a_seam_unchanged() -> None:
    """What it gets is the same on the other side of JSON; a newer sidecar may say more."""
    viewer = ViewerInfo(24.0, 1e6, 0.003, 4096, "Tight JPEG", "XDamage", None, True, 7.5, "::1")
    value = json.loads(json.dumps(viewer.to_json()))
    assert ViewerInfo.from_json({**value, "colour": "red"}) == viewer


def test_a_vnc_port_is_written_as_viewers_take_it() -> None:
    """IPv6 addresses in brackets; the password is in no text of it, and can be taken off."""
    access = VncAccess("::1", 5901, True, "sesame12")
    assert str(access) == "[::1]:5901"
    assert str(VncPort("127.0.0.1", 5900)) == "127.0.0.1:5900"
    assert "sesame12" not in repr(access) + str(access)
    assert access.without_password() == VncPort("::1", 5901, view_only=True)
    assert VncAccess(**access.to_json()) == access


def test_values_are_frozen() -> None:
    """What crosses a seam cannot be changed behind its back."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        DisplaySpec().name = "other"  # type: ignore[misc]
