"""What a chart is made of, and that it is the same behind the pipe."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf, nan

import pytest

from whisperwatch.watcher.answers.charts.chart import Chart, Line, Panel, packed, unpacked

from .samples import AT, forecast, history

PANEL = Panel("", "1", ())


@pytest.mark.parametrize("chart", [history(), forecast()], ids=lambda chart: chart.title)
def test_goes_there_and_back(chart: Chart) -> None:
    assert unpacked(packed(chart)) == chart


def test_what_is_not_finite_is_not_known() -> None:
    line = Line("", ((AT, nan), (AT + 1, 2.0)), ((1.0, inf), None))
    found = unpacked(packed(Chart("", AT, AT + 1, (replace(PANEL, lines=(line,), limit=inf),))))
    assert found.panels[0] == replace(PANEL, lines=(Line("", ((AT, None), (AT + 1, 2.0)), (None, None)),))


def test_a_time_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        packed(Chart("", AT, inf, (PANEL,)))


@pytest.mark.parametrize("text", ["[]", "{}", "no", json.dumps({"panels": [{}], "marks": []})])
def test_rubbish_is_no_chart(text: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        unpacked(text.encode())


def test_what_no_phone_shows_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 4 panels, not 5"):
        Chart("", AT, AT + 1, (PANEL,) * 5)
    with pytest.raises(ValueError, match="ends after its start"):
        Chart("", AT, AT, (PANEL,))
    with pytest.raises(ValueError, match="6 lines, not 7"):
        Panel("", "1", (Line("", ()),) * 7)
    with pytest.raises(ValueError, match="1 bands are given for 0 points"):
        Line("", (), (None,))
    with pytest.raises(ValueError, match="at most 5000 points"):
        Line("", ((AT, 1.0),) * 5001)
