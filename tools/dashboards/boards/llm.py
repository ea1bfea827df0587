"""Language models: how fast, how reliable, how dear."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import Board, Panel

_MODEL: Final = "gen_ai.provider.name, gen_ai.request.model"
_FAILED: Final = 'increase(gen_ai.client.operation.duration where error.type != "")'
BOARD: Final = Board(
    "llm",
    "LLM and cost",
    "Calls to language models: how long they take, how often they fail, and what they cost.",
    (
        (
            Panel(
                "Calls",
                "increase(gen_ai.client.operation.duration)",
                "Calls to language models in the chosen time. Good: in proportion to the answers; a cache makes fewer.",
                "stat",
            ),
            Panel(
                "P95",
                "p95(gen_ai.client.operation.duration)",
                "Time that a call takes, its stream and the SDK's retries included. Good: under 5 s; a streamed answer "
                "may take longer, for its first words come sooner.",
                "stat",
                limits=(5.0, 15.0),
            ),
            Panel(
                "P95 of the first chunk",
                "p95(gen_ai.client.operation.time_to_first_chunk)",
                "Time until a streamed answer begins. Good: under 1 s.",
                "stat",
                limits=(1.0, 3.0),
            ),
            Panel(
                "Failed",
                f"{_FAILED} / increase(gen_ai.client.operation.duration)",
                "The share of calls that failed after the SDK's own retries. Good: under 1 %.",
                "stat",
                limits=(0.01, 0.05),
            ),
            Panel(
                "Tokens",
                "sum(gen_ai.client.token.usage) by gen_ai.token.type",
                "Tokens of the chosen time, as the provider counted them. Good: in proportion to the calls. More input "
                "for each call: the prompt or what is remembered grows.",
                "stat",
            ),
            Panel(
                "Cost",
                "increase(bot.llm.cost)",
                "What they cost in the chosen time, by the table that WHISPERWATCH_LLM_PRICES names; empty without "
                "one. Good: within your budget.",
                "stat",
            ),
        ),
        (
            Panel(
                "Duration",
                {
                    "P50": "p50(gen_ai.client.operation.duration)",
                    "P95": "p95(gen_ai.client.operation.duration)",
                },
                "Good: flat, P95 under 5 s. A dot is one call: its link opens the trace of its message.",
                limits=(5.0, 15.0),
            ),
            Panel(
                "First chunk",
                {
                    "P50": "p50(gen_ai.client.operation.time_to_first_chunk)",
                    "P95": "p95(gen_ai.client.operation.time_to_first_chunk)",
                },
                "Time until a streamed answer begins. Good: under 1 s. It grows with the prompt's length, and when the "
                "provider is busy.",
                limits=(1.0, 3.0),
            ),
        ),
        (
            Panel(
                "Tokens a call",
                {
                    "input": "avg(gen_ai.client.token.usage where gen_ai.token.type = input)",
                    "output": "avg(gen_ai.client.token.usage where gen_ai.token.type = output)",
                },
                "Mean tokens of one call. Good: flat. A prompt that grows costs time and money with each message.",
            ),
            Panel(
                "Cost an hour, by model",
                "rate(bot.llm.cost) by gen_ai.request.model",
                "What the calls cost, at the rate of each moment. Good: follows the answers, and stays below your "
                "budget for an hour.",
                "bars",
                unit="currencyUSD",
            ),
            Panel(
                "Failed calls, by error",
                'increase(gen_ai.client.operation.duration where error.type != "") by error.type',
                "What failed, in each window. Good: none. RateLimitError or 429: you ask for more than your plan has; "
                "a timeout: the provider is slow, or your limit is too small.",
                "bars",
            ),
        ),
        (
            Panel(
                "Models",
                {
                    "calls": f"increase(gen_ai.client.operation.duration) by {_MODEL}",
                    "P95": f"p95(gen_ai.client.operation.duration) by {_MODEL}",
                    "first chunk, P95": f"p95(gen_ai.client.operation.time_to_first_chunk) by {_MODEL}",
                    "failed": f"{_FAILED} by {_MODEL}",
                    "tokens": f"sum(gen_ai.client.token.usage) by {_MODEL}",
                    "cost": f"increase(bot.llm.cost) by {_MODEL}",
                },
                "Each model of the chosen time. Good: the dear ones are asked only for what needs them.",
                "table",
            ),
        ),
    ),
)
