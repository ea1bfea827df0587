from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperwatch.watcher.settings import show, values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("30s", 30),
        ("500ms", 0.5),
        ("5m", 300),
        ("1h30m", 5400),
        ("7d", 604800),
        ("1.5 ", 1.5),
        (15, 15),
        ("2w", 1209600),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert values.duration(text) == seconds


def test_a_plain_duration_counts_in_the_unit_that_its_variable_has() -> None:
    assert values.duration("250", 0.001) == 0.25
    assert values.duration("250s", 0.001) == 250


@pytest.mark.parametrize("text", ["", "soon", "30 seconds", "s", "5x", "1h-30m", "0x10"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        values.duration(text)


@given(st.floats(0.001, 1e6), st.sampled_from(["ms", "s", "m", "h", "d", "w"]))
def test_every_unit_reads_as_it_was_written(number: float, unit: str) -> None:
    scale = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    assert values.duration(f"{number:.6f}{unit}") == pytest.approx(number * scale, rel=1e-3)


@given(st.integers(1, 10**9).map(lambda milliseconds: milliseconds / 1000))
def test_what_is_shown_reads_as_the_same(seconds: float) -> None:
    assert values.duration(show.text(seconds, in_seconds=True)) == pytest.approx(seconds, rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 1000), st.sampled_from("smhdw")), min_size=1, max_size=5))
def test_parts_add_up(parts: list[tuple[int, str]]) -> None:
    assert values.duration("".join(f"{number}{unit}" for number, unit in parts)) == sum(
        values.duration(f"{number}{unit}") for number, unit in parts
    )


@given(st.floats(0.01, 1000))
@pytest.mark.parametrize(("parse", "unit"), [(values.retention, "d"), (values.hours, "h")])
def test_a_plain_number_has_the_settings_unit(
    parse: Callable[[object], float], unit: str, number: float
) -> None:
    def read(text: str) -> float | str:
        try:
            return round(parse(text), 3)
        except ValueError as error:
            return str(error)

    assert read(f"{number:.6f}") == read(f"{number:.6f}{unit}")


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.percent, "85%", 85.0),
        (values.percent, 5, 5.0),
        (values.host, "smtp.company.com:587", "smtp.company.com:587"),
        (values.host, "[::1]:25", "[::1]:25"),
        (values.https, "http://localhost:8065/hook", "http://localhost:8065/hook"),
        (values.emails, ["a@b.c", "d@e.f"], ("a@b.c", "d@e.f")),
        (values.duration, "1.5h", 5400.0),
    ],
)
def test_other_values(parse: Callable[[object], object], text: object, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("65536", 65536),
        ("32MB", 33554432),
        ("512 KiB", 524288),
        ("1.5m", 1572864),
        ("1G", 2**30),
        ("100000b", 100000),
    ],
)
def test_sizes(text: str, number: int) -> None:
    assert values.size(text) == number


@pytest.mark.parametrize("text", ["", "much", "-5MB", "5TB", "5 M B"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        values.size(text)


@pytest.mark.parametrize("given", ["true", "TRUE", "1", "yes", "on", True])
def test_true(given: object) -> None:
    assert values.switch(given) is True


@pytest.mark.parametrize("given", ["false", "False", "0", "no", "off", False])
def test_false(given: object) -> None:
    assert values.switch(given) is False


def test_resource_attributes_are_percent_decoded() -> None:
    assert values.pairs("service.namespace=my%20bots, a=b=c,") == (
        ("service.namespace", "my bots"),
        ("a", "b=c"),
    )


def test_a_list_of_words() -> None:
    assert values.words("a", "b")(" A ,b,") == {"a", "b"}
    with pytest.raises(ValueError, match="is unknown"):
        values.words("a", "b")("a,c")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "0s", "0.5ms"])
def test_a_duration_can_be_too_low(text: str) -> None:
    with pytest.raises(ValueError, match="is too low"):
        values.seconds(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (values.seconds, "inf"),
        (values.seconds, "2000000000"),
        (values.milliseconds, "100000w"),
        (values.timeout, "1e300"),
        (values.size, "9" * 400),
        (values.whole(0, 65535), "65536"),
        (values.share, "1.01"),
        (values.blocked_after, "2h"),
    ],
)
def test_what_is_too_high(parse: Callable[[str], float], text: str) -> None:
    with pytest.raises(ValueError, match="is too high"):
        parse(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (values.milliseconds, "0"),
        (values.timeout, "nan"),
        (values.size, "63KB"),
        (values.whole(1), "0"),
        (values.share, "-0.1"),
        (values.blocked_after, "10ms"),
    ],
)
def test_what_is_too_low(parse: Callable[[str], float], text: str) -> None:
    with pytest.raises(ValueError, match="is too low"):
        parse(text)


@given(st.text())
@pytest.mark.parametrize(
    "parse",
    [
        values.seconds,
        values.milliseconds,
        values.timeout,
        values.size,
        values.share,
        values.switch,
        values.whole(0),
        values.endpoint,
        values.headers,
        values.pairs,
        values.readable_file,
        values.one_of("a"),
        values.words("a"),
        values.percent,
        values.host,
        values.https,
        values.emails,
        values.secret,
        values.retention,
        values.hours,
    ],
)
def test_no_text_breaks_a_parser(parse: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(ValueError):
        parse(text)
