"""Whatever is asked of logs, the embedded store and Loki find the same records, and count the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hypothesis.strategies as some
import pytest
from hypothesis import HealthCheck, given, settings
from tests.contract.both import Both
from tests.contract.traffic import LOGGERS, WORDS

from whisperwatch import semconv
from whisperwatch.watcher.query.answers import LogRecord
from whisperwatch.watcher.query.language import Grid, LogFilter
from whisperwatch.watcher.store.metrics.taken import text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


@some.composite
def texts(draw: some.DrawFn) -> str:
    """A piece of what was logged, in any case; or something else."""
    if draw(some.integers(0, 9)) == 0:  # letters with three cases, or a longer one; what joins an exception
        return draw(
            some.sampled_from((": ", "\x1f", "İ", "ΠΑΜς", "\u017f", "\u212a", "ß", "TimeoutError: the"))
        )
    word = draw(some.sampled_from((*WORDS, "TimeoutError", "the pool gave up")))
    start = draw(some.integers(0, len(word) - 1))
    piece = word[start : start + draw(some.integers(1, 20))]
    other = some.text(some.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
    return draw(some.one_of(some.sampled_from((piece, piece.upper(), piece.lower())), other))


FILTERS = some.builds(
    LogFilter,
    level=some.sampled_from((None, None, "debug", "info", "warning", "error", "critical")),
    components=some.lists(some.sampled_from(semconv.COMPONENTS), max_size=3, unique=True).map(tuple),
    logger=some.sampled_from((None, None, "bot", *LOGGERS, "bo", 'x"} or {')),
    text=some.one_of(some.none(), texts()),
    instance=some.sampled_from((None, None, "one", "nobody")),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=some.data())
async def test_any_records(both: Both, data: some.DataObject) -> None:
    filter = data.draw(FILTERS)
    start = data.draw(some.integers(both.start, both.end - 60))
    end = data.draw(some.integers(start + 1, both.end))
    most = data.draw(some.sampled_from((1, 10, 200)))
    embedded = await both.logs.logs(filter, start, end, most, None)
    loki = await both.loki.logs(filter, start, end, most, None)
    assert [plain(one) for one in embedded.records] == [plain(one) for one in loki.records]
    assert embedded.more == loki.more
    if embedded.more:
        before = embedded.records[-1].at
        embedded = await both.logs.logs(filter, start, end, most, before)
        loki = await both.loki.logs(filter, start, end, most, before)
        assert [plain(one) for one in embedded.records] == [plain(one) for one in loki.records]


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=some.data())
async def test_any_count(both: Both, data: some.DataObject) -> None:
    filter = data.draw(FILTERS)
    by = tuple(
        data.draw(
            some.lists(
                some.sampled_from(("component", "level", "logger", "instance")), max_size=2, unique=True
            )
        )
    )
    step = data.draw(some.sampled_from((15, 60, 300, 3600, 6 * 3600)))
    window = step * data.draw(some.sampled_from((1, 1, 2, 3)))
    count = data.draw(some.integers(1, 12))
    last = data.draw(some.integers(both.start // step + 1, both.end // step)) * step
    grid = Grid(last - (count - 1) * step, last, step, window)
    embedded, loki = await both.logs.count(filter, by, grid), await both.loki.count(filter, by, grid)
    assert {(*one.group.items(), one.points) for one in embedded if one.points} == {
        (*one.group.items(), one.points) for one in loki if one.points
    }


def plain(record: LogRecord) -> tuple[Any, ...]:
    """A record with its attributes as texts, which is all that Loki knows."""
    return (
        record.at, record.severity, record.level, record.component, record.logger, record.body, record.trace_id,
        record.span_id, record.instance, record.event, _texts(record.attributes),
    )  # fmt: skip


def _texts(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {key: text_of(value) for key, value in attributes.items() if text_of(value)}
