"""Text in OpenCV's windows."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from jupyter_xdisplay.kernel.gui import fonts
from tests.kernel.kernel_process import Starter

BAR = """\
import cv2, numpy, os
os.dup2(os.open({words!r}, os.O_WRONLY | os.O_CREAT), 2)
cv2.imshow("Bars", numpy.zeros((100, 400, 3), "uint8"))
cv2.createTrackbar("Brightness", "Bars", 7, 100, print)
cv2.waitKey(500)
import jupyter_xdisplay as xd
xd.display().window("Bars").snapshot({picture!r})
"""


@pytest.mark.parametrize("imported", ["", "import cv2"], ids=["later", "before"])
def test_opencv_draws_text(start_kernel: Starter, tmp_path: Path, imported: str) -> None:
    """With the wheel's own Qt, imported before there is a display or later; nothing is said."""
    kernel = start_kernel()
    kernel.ok(imported)
    kernel.ok("%load_ext jupyter_xdisplay\n%xdisplay")
    words, picture = tmp_path / "stderr", tmp_path / "bars.png"
    kernel.ok(BAR.format(words=str(words), picture=str(picture)))
    assert "font" not in words.read_text()
    below = Image.open(picture).convert("L")
    label = below.crop((0, below.height - 25, 80, below.height))
    darkest, _ = label.getextrema()
    assert isinstance(darkest, (int, float))
    assert darkest < 100, "the name of the bar is not drawn"


def test_a_folder_that_is_there_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that the user named, and one that OpenCV has; one that it lacks is replaced."""
    cv2 = ModuleType("cv2")
    cv2.__file__ = str(tmp_path / "cv2" / "__init__.py")
    own = tmp_path / "cv2" / "qt" / "fonts"
    own.mkdir(parents=True)
    for named in ("/usr/share/fonts/mine", str(own)):
        monkeypatch.setenv(fonts.VARIABLE, named)
        fonts.give_fonts(cv2)
        assert os.environ[fonts.VARIABLE] == named
    own.rmdir()
    fonts.give_fonts(cv2)
    assert any(Path(os.environ[fonts.VARIABLE]).glob("DejaVuSans.ttf"))


def test_without_packages_of_fonts_matplotlib_has_some(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where none of the distribution's folders is there."""
    monkeypatch.setattr(fonts, "FOLDERS", (str(tmp_path),))
    monkeypatch.setenv(fonts.VARIABLE, str(tmp_path / "cv2" / "qt" / "fonts"))
    cv2 = ModuleType("cv2")
    cv2.__file__ = str(tmp_path / "cv2" / "__init__.py")
    fonts.give_fonts(cv2)
    assert "matplotlib" in os.environ[fonts.VARIABLE]
