"""JPEG or exact pixels."""

from __future__ import annotations

import numpy as np

from jupyter_xdisplay.sidecar.rfb_server.policy import (
    FEW_COLOURS,
    LEAST_SLICE_PIXELS,
    MOST_SLICE_PIXELS,
    SAMPLES,
    SLICE_S,
    ExactCost,
    colours,
    slice_pixels,
    wants_exact,
)


def noise(height: int, width: int) -> np.ndarray:
    """Make a picture that looks like a photograph to an encoder."""
    return np.random.default_rng(1).integers(0, 256, (height, width, 4), np.uint8)


def test_flat_and_text_are_exact() -> None:
    """A page of two colours is sent exactly at once."""
    page = np.full((200, 400, 4), 255, np.uint8)
    page[::7, ::3, :3] = 0
    assert colours(page, SAMPLES) == 2
    assert wants_exact(page, ExactCost())


def test_plots_are_exact() -> None:
    """Smooth edges have many colours; most pixels are as the one beside them all the same."""
    page = np.full((400, 600, 4), 255, np.uint8)
    page[:, ::7] = noise(400, 86)
    assert colours(page, SAMPLES) > FEW_COLOURS
    assert wants_exact(page, ExactCost())


def test_photographs_are_jpeg() -> None:
    """A picture of many colours is sent as JPEG while it moves."""
    assert not wants_exact(noise(400, 600), ExactCost())


def test_small_is_exact_whatever_it_shows() -> None:
    """A cursor or a button costs nothing to be sent exactly."""
    assert wants_exact(noise(40, 40), ExactCost())


def test_large_flat_pictures_are_jpeg_where_exact_is_slow() -> None:
    """What would take longer than a frame is not sent exactly while it moves."""
    page = np.zeros((1080, 1920, 4), np.uint8)
    cost = ExactCost()
    for _ in range(20):
        cost.learn(1_000_000, 0.05)
    assert not wants_exact(page, cost)


def test_small_rectangles_tell_nothing_of_the_cost_of_large_ones() -> None:
    """What a call costs is not taken for what pixels cost; that they are cheap is learnt."""
    cost = ExactCost(10e-9)
    cost.learn(5_000, 0.001)
    assert cost.of(1_000_000) == 0.01
    cost.learn(500_000, 0.02)
    dear = cost.of(1_000_000)
    assert dear > 0.01
    cost.learn(5_000, 0.000_005)
    assert cost.of(1_000_000) < dear


def test_fourth_byte_means_nothing() -> None:
    """The unused byte of a pixel does not count as a colour."""
    page = np.zeros((100, 100, 4), np.uint8)
    page[..., 3] = np.arange(100, dtype=np.uint8)
    assert colours(page, SAMPLES) == 1


def test_slices_fit_the_link() -> None:
    """A slow link or processor gets small slices of an exact refresh, none gets all at once."""
    fast, slow = ExactCost(1e-9), ExactCost(100e-9)
    assert slice_pixels(0, fast) == LEAST_SLICE_PIXELS
    assert slice_pixels(100_000, fast) == 50_000
    assert slice_pixels(1 << 30, fast) == MOST_SLICE_PIXELS
    assert slice_pixels(1 << 30, slow) == round(SLICE_S / 100e-9)


def test_small_rectangles_teach_nothing() -> None:
    """Their cost is that of the call, and would make large ones look slow."""
    cost = ExactCost(1e-9)
    cost.learn(100, 0.001)
    assert cost.of(1_000_000) == 0.001


def test_slow_text_is_tried_again() -> None:
    """A cost that was learned fades, but not below what was assumed first."""
    cost = ExactCost(1e-9)
    cost.learn(1_000_000, 1.0)
    slow = cost.of(1)
    cost.fade()
    assert 1e-9 < cost.of(1) < slow
    for _ in range(10_000):
        cost.fade()
    assert cost.of(1) == 1e-9
