"""What language models are used for, and what that takes: tokens and money, by model and by feature.

What *telemetry* takes is another subject: `answers/telemetry`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from whisperwatch.watcher.insight.budgets import Budget, budgets, uncounted
from whisperwatch.watcher.insight.figures import Basis, Figure, Figures, ask, ask_in_steps
from whisperwatch.watcher.query.asking import Asking

MONTH_S: Final = 30 * 86_400.0
_MODEL: Final = "gen_ai.request.model"
_FEATURE: Final = "bot.feature.name"
_TYPE: Final = "gen_ai.token.type"
_QUESTIONS: Final[Mapping[str, str]] = {
    "model calls": f"increase(gen_ai.client.operation.duration) by {_MODEL}",
    "model input": f"sum(gen_ai.client.token.usage where {_TYPE} = input) by {_MODEL}",
    "model output": f"sum(gen_ai.client.token.usage where {_TYPE} = output) by {_MODEL}",
    "model money": f"increase(bot.llm.cost) by {_MODEL}",
    "feature calls": f"increase(bot.llm.calls) by {_FEATURE}",
    "feature input": f"increase(bot.llm.tokens where {_TYPE} = input) by {_FEATURE}",
    "feature output": f"increase(bot.llm.tokens where {_TYPE} = output) by {_FEATURE}",
    "feature money": f"increase(bot.llm.cost) by {_FEATURE}",
    "answered": "increase(discord.messages.handled)",
}
"""By model the standard's metrics are asked, which others record too; by feature there are only ours."""
_TOKENS: Final = "{token}"
_USD: Final = "{USD}"


@dataclass(frozen=True, slots=True)
class LlmUse:
    """What was used of language models: calls, tokens asked and answered with, and USD where prices are known."""

    name: str
    calls: Figure
    input: Figure
    output: Figure
    money: Figure

    @property
    def tokens(self) -> Figure:
        """Both kinds together."""
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Spending:
    """What language models took.

    Attributes:
        whole: all of them together.
        models, features: each; what took most tokens first.
        answered: messages and interactions that the bot answered, whether a model was asked for them or not.
        measured_s: how much of the period the bot was watched for, in seconds.
        unpriced: models that the price table doesn't know.
        budgets: of this calendar month, by `tokens` and `money`; those that are set.
    """

    basis: Basis
    whole: LlmUse
    models: tuple[LlmUse, ...]
    features: tuple[LlmUse, ...]
    answered: Figure
    measured_s: float
    unpriced: tuple[str, ...]
    budgets: Mapping[str, Budget]

    @property
    def tokens_per_answer(self) -> Figure:
        """All tokens over all answers."""
        return _per(self.whole.tokens, self.answered)

    @property
    def money_per_answer(self) -> Figure:
        """USD."""
        return _per(self.whole.money, self.answered)

    @property
    def tokens_a_month(self) -> Figure:
        """In 30 days, at the rate of the time that was measured."""
        return self._a_month(self.whole.tokens)

    @property
    def money_a_month(self) -> Figure:
        """USD, likewise."""
        return self._a_month(self.whole.money)

    def _a_month(self, figure: Figure) -> Figure:
        if figure.value is None or not self.measured_s:
            return Figure(unit=figure.unit)
        return Figure(figure.value / self.measured_s * MONTH_S, figure.unit)


async def spending(asking: Asking, over_s: float) -> Spending:
    """Of the last `over_s` seconds.

    Raises:
        QuestionError: nobody keeps metrics, or the period means no time.
    """
    found, watched, set_ = await asyncio.gather(
        ask(asking, _QUESTIONS, over_s),
        ask_in_steps(asking, {"uptime": "max(process.uptime)"}, over_s),
        budgets(asking),
    )
    models = _uses(found, "model")
    return Spending(
        replace(found.basis, notes=(*found.basis.notes, *uncounted(set_))),
        _together(models),
        models,
        _uses(found, "feature"),
        found.figure("answered"),
        _measured(watched.trend("uptime"), watched.step_s("uptime"), found.basis.over_s),
        tuple(one.name for one in models if one.tokens.value and one.money.value is None),
        set_,
    )


def _uses(found: Figures, by: str) -> tuple[LlmUse, ...]:
    calls, given, answered, money = (
        found.groups(f"{by} {what}") for what in ("calls", "input", "output", "money")
    )
    tokens, usd = Figure(unit=_TOKENS), Figure(unit=_USD)
    made = (
        LlmUse(name, count, given.get(name, tokens), answered.get(name, tokens), money.get(name, usd))
        for name, count in calls.items()
    )
    used = (one for one in made if one.calls.value or one.tokens.value)
    return tuple(sorted(used, key=lambda one: one.tokens.value or 0.0, reverse=True))


def _together(uses: tuple[LlmUse, ...]) -> LlmUse:
    whole = LlmUse(
        "all", Figure(unit="{call}"), Figure(unit=_TOKENS), Figure(unit=_TOKENS), Figure(unit=_USD)
    )
    for one in uses:
        whole = LlmUse(
            "all",
            whole.calls + one.calls,
            whole.input + one.input,
            whole.output + one.output,
            whole.money + one.money,
        )
    return whole


def _per(whole: Figure, count: Figure) -> Figure:
    """So much for each. What isn't known stays so."""
    return Figure(_over(whole.value, count.value), whole.unit, _over(whole.before, count.before))


def _over(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _measured(uptime: tuple[float | None, ...], step_s: float, over_s: float) -> float:
    """Since when there was a process of the bot's, as near as its age tells; where nobody knows, the whole time."""
    first = next((at for at, age in enumerate(uptime) if age is not None), None)
    if first is None:
        return over_s
    steps, oldest = len(uptime) - first, max(age for age in uptime if age is not None)
    return min(over_s, steps * step_s, max((steps - 1) * step_s, oldest))
