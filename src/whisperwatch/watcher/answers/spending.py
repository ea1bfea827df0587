"""`cost`: what language models take, by model and by feature, as a page. What telemetry takes is `telemetry`'s."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whisperwatch.watcher.answers.figures import page, shown
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.answers.page import Line, Page, Section
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.spending import MONTH_S, LlmUse, Spending
from whisperwatch.watcher.query.language.printing import seconds

PRICES: Final = "WHISPERWATCH_LLM_PRICES"
_MOST: Final = 10
_WHAT: Final = "LLM cost"


def cost(report: Spending) -> Page:
    """The sum, what one answer takes, what a month would take, and who takes it."""
    if not report.models:
        return page(_WHAT, report.basis, ("No language model was called in this time.",))
    sections = [Section("By model", tuple(_uses(report.models)))]
    if report.features:
        sections.append(Section("By feature", tuple(_uses(report.features))))
    else:
        why = "Not known: another instrumentation records the calls, or an older Whisperwatch did."
        sections.append(Section("By feature", (why,)))
    if report.budgets:
        sections.append(Section("This month's budget", tuple(_budgets(report))))
    if report.unpriced:
        sections.append(Section("Not priced", tuple(_unpriced(report))))
    return page(_WHAT, report.basis, tuple(_lines(report)), tuple(sections))


def _lines(report: Spending) -> Iterator[Line]:
    whole = report.whole
    yield f"{_both(whole.money, whole.tokens)}, in {shown(whole.calls, 'calls')}."
    yield f"Tokens in: {shown(whole.input)}, out: {shown(whole.output)}"
    each = _both(report.money_per_answer, report.tokens_per_answer)
    yield f"For each of {shown(report.answered, 'answers')}: {each}"
    a_month = _both(_round(report.money_a_month), _round(report.tokens_a_month))
    yield f"In 30 days at the rate of the last {seconds(round(report.measured_s))}: about {a_month}"


def _uses(uses: tuple[LlmUse, ...]) -> Iterator[Line]:
    for one in uses[:_MOST]:
        tokens = f"{shown(one.input, 'tokens in')}, {shown(one.output, 'out')}"
        yield f"{one.name or 'unnamed'}: {_money(one.money, ', ')}{tokens}, {shown(one.calls, 'calls')}"
    if len(uses) > _MOST:
        yield f"and {len(uses) - _MOST} more"


def _budgets(report: Spending) -> Iterator[Line]:
    """At the present rate, for a forecast that was tried is capacity's."""
    rates = {"tokens": report.tokens_a_month, "money": report.money_a_month}
    for name, budget in report.budgets.items():
        what = name if name == "tokens" else ""
        line = f"{shown(budget.used)} of {shown(budget.limit, what)}"
        line += "" if budget.share is None else f", {number(budget.share, '1')}"
        a_month, used = rates[name].value, budget.used.value
        if a_month is not None and used is not None:
            at_end = Figure(used + a_month / MONTH_S * budget.left_s, budget.limit.unit)
            over = (at_end.value or 0.0) > (budget.limit.value or 0.0)
            line += f"; at this rate {shown(_round(at_end))} by its end{', more than that' if over else ''}"
        yield line


def _unpriced(report: Spending) -> Iterator[Line]:
    names = report.unpriced[:_MOST]
    yield f"No price is known of {', '.join(names)}, so that is in no sum of money."
    yield f"Name a JSON file in {PRICES}, with USD for a million tokens:"
    yield f'{{"{names[0]}": {{"input": …, "output": …}}}}'


def _both(money: Figure, tokens: Figure) -> str:
    """`$1.25 for 25,300 tokens`; without a price the tokens alone."""
    return f"{_money(money, ' for ')}{shown(tokens, 'tokens')}"


def _money(money: Figure, joint: str) -> str:
    return "" if money.value is None else f"{shown(money)}{joint}"


def _round(figure: Figure) -> Figure:
    """A projection isn't known to the last token."""
    if figure.value is None:
        return figure
    return Figure(float(f"{figure.value:.2g}"), figure.unit)
