"""Photographs pages of HTML with a headless Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from whisperwatch.demo.gallery.page import WIDTH
from whisperwatch.demo.problem import DemoError

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_MEASURE: Final = "<script>document.title = document.body.offsetHeight</script>"
_TITLE: Final = re.compile(r"<title>(\d+)")
_SHARPNESS: Final = 1.5
_COLOURS: Final = 96
"""Of a picture: text on a few grounds, and a chart."""
_TALLEST: Final = 8000
"""CSS pixels: so tall is what Chromium draws, for it says only afterwards how tall the page is."""
_PATIENCE_S: Final = 60.0


def chromium() -> str | None:
    """The program; None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def photograph(page: str, picture: Path) -> None:
    """Draw a page as a PNG, as tall as it is.

    Raises:
        DemoError: there is no Chromium, or it draws nothing.
    """
    program = chromium()
    if program is None:
        raise DemoError(f"pictures need Chromium: none of {', '.join(_NAMES)} is on the PATH")
    with tempfile.TemporaryDirectory(prefix="whisperwatch-camera-") as room:
        source, raw = Path(room, "page.html"), Path(room, "page.png")
        source.write_text(page + _MEASURE, encoding="utf-8")
        dom = _run(
            program, *_FLAGS, f"--user-data-dir={room}/profile", f"--window-size={WIDTH + 200},{_TALLEST}",
            f"--force-device-scale-factor={_SHARPNESS}", f"--screenshot={raw}", "--dump-dom", source.as_uri(),
        )  # fmt: skip
        height = _TITLE.search(dom)
        if height is None or not raw.exists():
            raise DemoError(f"{picture.name}: Chromium made no picture, or didn't say how tall the page is")
        if int(height[1]) > _TALLEST:
            raise DemoError(f"{picture.name}: the page is {height[1]} tall, and {_TALLEST} are drawn")
        _develop(raw, picture, int(height[1]))


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise DemoError(f"Chromium was not done after {_PATIENCE_S:g} s") from None
    return done.stdout.decode(errors="replace")


def _develop(raw: Path, picture: Path, height: int) -> None:
    """Without what is beside the page, in few colours."""
    from PIL import Image

    with Image.open(raw) as image:
        cut = image.convert("RGB").crop((0, 0, round(WIDTH * _SHARPNESS), round(height * _SHARPNESS)))
    cut.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(picture, optimize=True)
