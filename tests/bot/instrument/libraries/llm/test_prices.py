"""The price table: the longest name counts, and a wrong table is said once and charges nothing."""

from __future__ import annotations

import json

import pytest

from whisperwatch.bot.instrument.libraries.llm import prices
from whisperwatch.bot.instrument.libraries.llm.prices import VARIABLE, cost


@pytest.fixture
def named(tmp_path, monkeypatch):
    def write(text):
        file = tmp_path / f"{abs(hash(text))}.json"
        file.write_text(text)
        monkeypatch.setenv(VARIABLE, str(file))
        return prices.prices()

    return write


def test_the_longest_beginning_of_the_name_counts(named):
    table = named(
        json.dumps({"gpt-4o": {"input": 2.5, "output": 10}, "gpt-4o-mini": {"input": 0.15, "output": 0.6}})
    )
    assert cost(table, "gpt-4o-2024-08-06", 1_000_000, 100_000) == pytest.approx(3.5)
    assert cost(table, "gpt-4o-mini", 2_000_000, 0) == pytest.approx(0.3)
    assert cost(table, "llama", 1, 1) is None


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"m": 3}', '{"m": {"input": 1}}', '{"m": {"input": "x", "output": 1}}',
     '{"m": {"input": -1, "output": 1}}', '{"m": {"input": NaN, "output": 1}}'],
)  # fmt: skip
def test_a_wrong_table_is_said_once(named, caplog, text):
    assert named(text) == {}
    assert named(text) == {}
    (said,) = caplog.messages
    assert said.startswith(VARIABLE)


def test_none_is_named(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert prices.prices() == {}


def test_a_table_that_is_not_there(monkeypatch, caplog, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.json"))
    assert prices.prices() == {}
    assert "FileNotFoundError" in caplog.text
