"""The bot's own settings: what can be registered, how what is typed is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import whisperwatch
from whisperwatch.bot import guard
from whisperwatch.bot.api.settings import Setting, settings
from whisperwatch.bot.recording.recorder import Recorder


@pytest.fixture(autouse=True)
def none_before(recording: Recorder) -> Iterator[None]:
    settings.known.clear()
    yield
    settings.known.clear()


def made(value: Any, **options: Any) -> Setting:
    whisperwatch.setting("X", get=lambda: value, set=lambda new: None, **options)
    return settings.known["X"]


@pytest.mark.parametrize("name", ["", "9X", "a b", "x" * 65, "a\n", "=x", None])
def test_no_name(name: Any, caplog: pytest.LogCaptureFixture) -> None:
    whisperwatch.setting(name, get=lambda: 1, set=lambda new: None)
    assert not settings.known
    assert "its name is of up to 64" in caplog.text


@pytest.mark.parametrize("value", [None, [], object(), b""])
def test_no_plain_value(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    whisperwatch.setting("X", get=lambda: value, set=lambda new: None)
    assert not settings.known
    assert "gives a bool, int, float or str" in caplog.text


def test_a_value_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", False)
    whisperwatch.setting("X", get=lambda: 1 // 0, set=lambda new: None)
    assert not settings.known
    assert guard.counts == {"setting X": 1}


def test_a_hundred_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(100):
        whisperwatch.setting(f"X{number}", get=lambda: 1, set=lambda new: None)
    whisperwatch.setting("X", get=lambda: 1, set=lambda new: None)
    assert "X" not in settings.known
    assert "100 are the most" in caplog.text
    whisperwatch.setting("X7", get=lambda: 2, set=lambda new: None)
    assert settings.known["X7"].default == 2


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [
        (True, " Off ", False),
        (False, "yes", True),
        (1, "20", 20),
        (1, "-3", -3),
        (1.5, "2", 2.0),
        (1.5, "1e3", 1000.0),
        ("a", "some text", "some text"),
        ("a", "", ""),
    ],
)
def test_what_is_typed(default: Any, text: str, value: Any) -> None:
    found = made(default).parse(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("default", "text", "options", "right"),
    [
        (True, "perhaps", {}, "true or false"),
        (1, "1.5", {}, "a whole number"),
        (1, "0", {"least": 1}, "a whole number from 1"),
        (1, "101", {"least": 1, "most": 100}, "a whole number from 1 to 100"),
        (1.0, "nan", {}, "a number"),
        (1.0, "inf", {"most": 5}, "a number to 5"),
        ("a", "c", {"choices": ("a", "b")}, "one of a, b"),
        ("a", "x" * 1001, {}, "a text"),
    ],
)
def test_what_is_wrong(default: Any, text: str, options: Any, right: str) -> None:
    with pytest.raises(ValueError, match=f"should be {right}$"):
        made(default, **options).parse(text)


async def test_two_at_once_come_one_after_the_other() -> None:
    under_way: list[int] = []
    most = 0

    async def change(value: int) -> None:
        nonlocal most
        under_way.append(value)
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.remove(value)

    whisperwatch.setting("X", get=lambda: 1, set=change)
    told = await asyncio.gather(*(settings.set({"name": "X", "value": str(n)}) for n in range(5)))
    assert most == 1
    assert not any("error" in one for one in told)


async def test_a_getter_that_fails_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", False)
    values = iter([1])
    whisperwatch.setting("X", get=lambda: next(values), set=lambda new: None)
    (told,) = (await settings.tell({}))["settings"]
    assert (told["name"], told["value"]) == ("X", None)
