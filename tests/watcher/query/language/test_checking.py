"""What exists is said to whoever asks for what doesn't."""

from __future__ import annotations

import pytest

from whisperwatch.watcher.query.catalogue import DECLARED, Known
from whisperwatch.watcher.query.language import LogFilter, MetricQuestion, QuestionError
from whisperwatch.watcher.query.language.checking import check, check_filter
from whisperwatch.watcher.query.language.parsing import parse


def checked(typed: str) -> None:
    question = parse(typed)
    assert isinstance(question, MetricQuestion)
    others = {"shop.orders": Known("shop.orders", "counter", "{order}", None)}
    check(question.expression, {**DECLARED, **others})


@pytest.mark.parametrize(
    "typed",
    [
        "increase(bot.errors) by bot.error.category, service.instance.id",
        "p95(discord.command.duration where otel.metric.overflow = true)",
        "increase(bot.errors) by bot.name, bot.component / increase(discord.messages.handled) by bot.name",
        "increase(shop.orders where anything = 5) by colour",
        "last(discord.command.active)",
    ],
)
def test_what_makes_sense(typed: str) -> None:
    checked(typed)


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("increase(bot.erors)", "there is no metric 'bot.erors': did you mean bot.errors?"),
        ("increase(nonsense)", "there is no metric 'nonsense'; there are "),
        (
            "last(bot.errors)",
            "last makes no sense of bot.errors, which is a counter: of that there are increase, rate",
        ),
        ("p95(discord.guilds)", "quantile makes no sense of discord.guilds, which is a gauge"),
        (
            "increase(bot.errors) by bot.eror.category",
            "bot.errors has no attribute 'bot.eror.category': did you mean",
        ),
        ("increase(bot.errors where colour = red)", "it has bot.component, bot.error.category"),
        (
            "increase(bot.errors) / increase(bot.errors) by bot.component",
            "second part can't be by bot.component",
        ),
    ],
)
def test_what_does_not(typed: str, wrong: str) -> None:
    with pytest.raises(QuestionError) as raised:
        checked(typed)
    assert wrong in str(raised.value)


@pytest.mark.parametrize("text", ["a\0b", "x" * 1001])
def test_texts_that_cannot_be_found(text: str) -> None:
    with pytest.raises(QuestionError, match=r"null byte|at most 1,000 characters"):
        check_filter(LogFilter(text=text))
    check_filter(LogFilter(text='"{}()|*\\ ☃'))
