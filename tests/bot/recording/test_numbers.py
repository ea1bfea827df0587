"""Whatever a bot gives as a number is one on the tape, or isn't there."""

from __future__ import annotations

import marshal
import math
import struct
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from whisperwatch.bot.recording.metering import MeterProvider
from whisperwatch.bot.recording.numbers import number
from whisperwatch.bot.recording.recorder import recorder


class Int64(bytes):
    """As numpy's: `marshal` takes it for bytes."""

    def __index__(self) -> int:
        return int.from_bytes(self, "little")


class Float32(bytes):
    def __float__(self) -> float:
        return float(struct.unpack("f", self)[0])


class Vector(bytes):
    """Has both, as numpy's, and raises: it is no single number."""

    def __index__(self) -> int:
        raise TypeError("only integer scalar arrays can be converted to a scalar index")

    def __float__(self) -> float:
        raise TypeError("only length-1 arrays can be converted to Python scalars")


FIVE, HALF = Int64(b"\5\0"), Float32(struct.pack("f", 0.5))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (3, 3), (-0.5, -0.5), (True, 1), (FIVE, 5), (HALF, 0.5), (Decimal("1.5"), 1.5), (Fraction(1, 4), 0.25),
        (2**70, 2.0**70),
    ],
)  # fmt: skip
def test_numbers_of_all_kinds(given: Any, taken: float) -> None:
    found = number(given)
    assert (found, type(found)) == (taken, type(taken))


@pytest.mark.parametrize(
    "given", ["3", "many", None, [1], math.nan, math.inf, 10**400, Decimal("NaN"), 1j, Vector()]
)
def test_what_is_none(given: Any) -> None:
    assert number(given) is None


def test_instruments_of_the_api_take_them_and_raise_for_nothing(caplog: pytest.LogCaptureFixture) -> None:
    meter = MeterProvider(shutdown_on_exit=False).get_meter("library")
    acts = (
        meter.create_counter("n").add, meter.create_up_down_counter("u").add,
        meter.create_gauge("g").set, meter.create_histogram("h").record,
    )  # fmt: skip
    for act in acts:
        act(HALF)
        act(FIVE)
        for wrong in ("many", None, math.nan):
            act(wrong)  # type: ignore[arg-type]
    assert len(caplog.records) == 12
    cells = [cell for cell in recorder.take_cells() if len(cell) > 1]
    assert {type(value) for cell in cells for value in cell[1:3]} <= {int, float}
    assert marshal.loads(marshal.dumps(cells)) == cells


def test_a_callback_that_gives_something_else() -> None:
    from opentelemetry.metrics import Observation

    meter = MeterProvider(shutdown_on_exit=False).get_meter("library")
    observed = [Observation(HALF), Observation("x", {"a": 1})]  # type: ignore[arg-type]
    gauge: Any = meter.create_observable_gauge("o", [lambda options: observed])
    recorder.collect()
    assert [cell.value for cell in gauge.instrument] == [0.5]
