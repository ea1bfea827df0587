"""Real pictures: as large as a phone wants them, small enough to send, whatever people call things."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy
import pytest
from PIL import Image

from whisperwatch.watcher.answers.charts import looks
from whisperwatch.watcher.answers.charts.chart import Chart, Line, Mark, Panel

from .samples import AT, HOUR, forecast, history, line, size

NAMES = ("$gpt-4o$ \\frac{", "日本語", "🦙\x1b[31m", "__x", "a" * 99, "")
MINUTES = [AT - 60.0 * index for index in range(60, 0, -1)]
MODELS = tuple(
    line(name, MINUTES, [0.3 + index % (7 + number) / 9 for index in range(60)])
    for number, name in enumerate(NAMES)
)
MANY = Chart(
    "LLM, last hour",
    AT - HOUR,
    AT,
    (Panel("P95 by model", "s", MODELS),) * 4,
    tuple(Mark(AT - 60 * index, f"$v{index}^{{") for index in range(90)),
)
EMPTY = Chart("", AT - HOUR, AT, (Panel("", "s", ()), Panel("", "1", (Line("", ((AT, None),)),), 1.0)))
ZEROS, BELOW = line("", [AT - 9, AT], [0, 0]), line("", [AT], [-2])
LEVEL = Chart("", AT - HOUR, AT, (Panel("", "s", (ZEROS,)), Panel("", "1", (BELOW,))))


@pytest.fixture(scope="module", autouse=True)
def library() -> None:
    """Matplotlib takes a second to import: of the workers, who all collect this file, only one needs it."""
    global draw
    from whisperwatch.watcher.answers.charts.drawing import draw


def pixels(picture: bytes) -> numpy.ndarray:
    return numpy.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def count(picture: bytes, colour: str) -> int:
    return int(near(pixels(picture), colour).sum())


def near(found: numpy.ndarray, colour: str) -> numpy.ndarray:
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return (abs(found.astype(int) - wanted) <= 3).all(axis=2)


@pytest.mark.parametrize(
    "chart",
    [history(), forecast(), MANY, EMPTY, LEVEL],
    ids=["history", "forecast", "many", "empty", "level"],
)
def test_is_a_picture_for_a_phone(chart: Chart) -> None:
    picture = draw(chart)
    width, height = size(picture)
    assert width >= 800
    assert height >= 450
    assert height < width
    assert len(picture) <= 300 * 1024


def test_the_same_is_drawn_the_same() -> None:
    assert draw(history()) == draw(history())


def test_a_gap_stays_a_gap() -> None:
    chart = Chart("", AT - HOUR, AT, (Panel("", "s", (line("", MINUTES, [1.0] * 60),)),))
    parted = line("", MINUTES, [None if 20 <= index < 40 else 1.0 for index in range(60)])
    gap = replace(chart, panels=(Panel("", "s", (parted,)),))
    share = count(draw(gap), looks.LINES[0]) / count(draw(chart), looks.LINES[0])
    assert 0.5 < share < 0.8


def test_a_point_without_neighbours_is_seen() -> None:
    values = [None if index != 5 else 1.0 for index in range(11)] + [2.0]
    times = [AT - HOUR + 300 * index for index in range(12)]
    seen = pixels(draw(Chart("", AT - HOUR, AT, (Panel("", "s", (line("", times, values),)),))))
    assert near(seen[200:, 200:700], looks.LINES[0]).any()


def test_a_forecast_has_a_band_and_a_limit() -> None:
    chart = forecast()
    (panel,) = chart.panels
    plain = replace(chart, panels=(replace(panel, lines=(replace(panel.lines[0], band=()),), limit=None),))
    assert count(draw(chart), looks.LIMIT) > 100
    assert count(draw(plain), looks.LIMIT) == 0
    # dashes leave something out, and a band is neither ground nor line
    other = [(pixels(draw(one)) != pixels(draw(EMPTY))[0, 0]).any(axis=2).sum() for one in (chart, plain)]
    assert other[0] > other[1] + 3000


def test_a_release_is_marked() -> None:
    chart = history()
    assert count(draw(chart), looks.TEXT) > count(draw(replace(chart, marks=())), looks.TEXT) + 200
    before = replace(chart, marks=(Mark(chart.start - 1, "old"),))
    assert count(draw(before), looks.TEXT) < count(draw(chart), looks.TEXT)
