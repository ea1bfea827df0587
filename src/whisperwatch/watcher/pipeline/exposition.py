"""`/metrics`: the streams as text, in the format that the scraper asks for.

The text is prometheus_client's business, and it is asked once for each series: of the lines that it gives only the
numbers change, which are put in as it writes numbers. A scrape then costs what has changed since the last one. That
the bytes are those of prometheus_client's `generate_latest` is a test. opentelemetry-exporter-prometheus is not used,
because it mixes label values up when two scopes share a metric name; the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import accumulate
from operator import is_
from typing import Any, Final

from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.utils import floatToGoString

from whisperwatch.watcher.pipeline.families import Family, Labels, Layout, Series
from whisperwatch.watcher.records import Exemplar, Records, Value

Encode = Callable[[Iterable[Metric]], str]
_FORMATS_KEPT: Final = 4
_TOTAL: Final = 0.5
"""Stands for a histogram's sum in the text that is asked for once; whole numbers stand for its buckets."""


class Exposition:
    """Renders the same streams again and again."""

    def __init__(self) -> None:
        self._layout: Layout | None = None
        self._texts: dict[str, _Text] = {}

    def render(self, streams: Iterable[Records], accept_header: str | None) -> tuple[bytes, str]:
        """Everything that the streams hold, and its content type: OpenMetrics or Prometheus text, as is asked."""
        streams = list(streams)
        encoder, content_type = choose_encoder(accept_header or "")
        if self._layout is None or not self._layout.fits(streams):
            self._layout = Layout(streams)
        text = self._texts.get(content_type)
        if text is None:
            if len(self._texts) >= _FORMATS_KEPT:
                self._texts.clear()
            text = self._texts[content_type] = _Text(encoder)
        return text.render(self._layout), content_type


class _Collected:
    """What prometheus_client's encoders want to be given: something that has `collect`."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


class _Text:
    """The text in one format."""

    def __init__(self, encoder: Callable[[Any], bytes]) -> None:
        self._encoder = encoder
        self._end = encoder(_Collected(()))
        self._layout: Layout | None = None
        self._target = b""
        self._families: dict[Any, _FamilyText] = {}

    def render(self, layout: Layout) -> bytes:
        if layout is not self._layout:
            self._lay_out(layout)
        return b"".join([self._target, *[family.text() for family in self._families.values()], self._end])

    def _lay_out(self, layout: Layout) -> None:
        self._layout = layout
        self._target = self._encode([layout.target] if layout.target is not None else []).encode()
        known, self._families = self._families, {}
        for family in layout.families:
            keys = tuple(family.keys)
            about = family.name, family.kind, family.help, family.unit, family.bounds, keys
            text = self._families[about] = known.get(about) or _FamilyText(self._encode, family, keys)
            text.lay_out(family)

    def _encode(self, metrics: Iterable[Metric]) -> str:
        return self._encoder(_Collected(metrics)).removesuffix(self._end).decode()


class _FamilyText:
    """The text of one family: made anew when one of its series has changed."""

    def __init__(self, encode: Encode, family: Family, keys: tuple[str, ...]) -> None:
        self._encode = encode
        self._keys = keys
        self._head = encode([family.metric([], keys)])
        self._series: dict[Labels, _SeriesText] = {}
        self._text = b""

    def lay_out(self, family: Family) -> None:
        """Take the series as they are in this family."""
        known, self._series = self._series, {}
        for labels, series in family.series.items():
            text = known.get(labels) or _SeriesText(self._lines(family, labels), self._exemplar_text)
            text.lay_out(series)
            self._series[labels] = text
        self._text = b""

    def text(self) -> bytes:
        """The newest text."""
        changed = [series for series in self._series.values() if series.follow()]
        if changed or not self._text:
            self._text = "".join([self._head, *[series.text for series in self._series.values()]]).encode()
        return self._text

    def _lines(self, family: Family, labels: Labels) -> list[tuple[str, float]]:
        """Each line up to its number, and which one that is: of a bucket the bucket's, of the sum `_TOTAL`."""
        value: Value = (1, _TOTAL, None, None, (1,) * (len(family.bounds) + 1))
        text = self._encode([family.metric([(labels, value, {})], self._keys)]).removeprefix(self._head)
        lines = [line.rpartition(" ") for line in text.split("\n")[:-1]]
        return [(f"{before} ", float(number)) for before, _, number in lines]

    def _exemplar_text(self, exemplar: Exemplar) -> str:
        """What stands behind a bucket's number: nothing in a format without exemplars."""
        point = (), (1, _TOTAL, None, None, (1,)), {0: exemplar}
        text = self._encode([Family("x", "histogram", "", "", ()).metric([point], ())])
        return text.partition('le="+Inf"} ')[2].partition("\n")[0].removeprefix(_text(1))


class _SeriesText:
    """The lines of one series with their newest numbers. A cell's value is a new tuple whenever it changes."""

    def __init__(self, lines: list[tuple[str, float]], exemplar_text: Callable[[Exemplar], str]) -> None:
        self.text = ""
        self._lines = lines
        self._exemplar_text = exemplar_text
        self._exemplars: dict[int, tuple[Exemplar, str]] = {}
        self._seen: list[Value | None] = []

    def lay_out(self, series: Series) -> None:
        self._series = series
        self._cells = series.cells

    def follow(self) -> bool:
        """Look at the cells; says whether the text is another one now."""
        values = [cell.value for cell in self._cells]
        seen = self._seen
        if len(seen) == len(values) and all(map(is_, values, seen)):
            return False
        self._seen = values
        value = self._series.value
        self.text = self._of_number(value[0]) if len(value) == 1 else self._of_histogram(value)
        return True

    def _of_number(self, number: float) -> str:
        return f"{self._lines[0][0]}{_text(number)}\n"

    def _of_histogram(self, value: Value) -> str:
        counts = list(accumulate(value[4]))
        exemplars = self._exemplar_texts()
        text = []
        for index, (before, number) in enumerate(self._lines):
            if number == _TOTAL:
                text.append(f"{before}{_text(value[1])}\n")
            else:
                text.append(f"{before}{_text(counts[int(number) - 1])}{exemplars.get(index, '')}\n")
        return "".join(text)

    def _exemplar_texts(self) -> dict[int, str]:
        texts = {}
        for index, exemplar in self._series.exemplars.items():
            known = self._exemplars.get(index)
            if known is None or known[0] is not exemplar:
                known = self._exemplars[index] = exemplar, self._exemplar_text(exemplar)
            texts[index] = known[1]
        return texts


def _text(number: float) -> str:
    # ints alone are kept: 0.0 and -0.0 are one key
    return _text_of_int(number) if number.__class__ is int else str(floatToGoString(number))  # type: ignore[no-untyped-call]


@lru_cache(4096)
def _text_of_int(number: int) -> str:
    return str(floatToGoString(number))  # type: ignore[no-untyped-call]
