"""Language models: OpenTelemetry's GenAI conventions, and what we add to them. Never what was asked or answered."""

from __future__ import annotations

from whisperwatch.semconv.attributes import BOT_NAME, ERROR_TYPE, SERVER_ADDRESS, STATUS_CODE
from whisperwatch.semconv.database import SERVER_PORT
from whisperwatch.semconv.model import SECONDS, Attribute, Metric, SpanName
from whisperwatch.semconv.usage import FEATURE

GEN_AI_OPERATION = "gen_ai.operation.name"
GEN_AI_PROVIDER = "gen_ai.provider.name"
GEN_AI_REQUEST_MODEL = "gen_ai.request.model"
GEN_AI_RESPONSE_MODEL = "gen_ai.response.model"
GEN_AI_RESPONSE_ID = "gen_ai.response.id"
GEN_AI_FINISH_REASONS = "gen_ai.response.finish_reasons"
GEN_AI_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
GEN_AI_INPUT_TOKENS = "gen_ai.usage.input_tokens"
GEN_AI_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
GEN_AI_CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
GEN_AI_REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
GEN_AI_TOKEN_TYPE = "gen_ai.token.type"
GEN_AI_STREAM = "gen_ai.request.stream"
GEN_AI_TEMPERATURE = "gen_ai.request.temperature"
GEN_AI_TOP_P = "gen_ai.request.top_p"
GEN_AI_TOP_K = "gen_ai.request.top_k"
GEN_AI_MAX_TOKENS = "gen_ai.request.max_tokens"
GEN_AI_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty"
GEN_AI_PRESENCE_PENALTY = "gen_ai.request.presence_penalty"
GEN_AI_SEED = "gen_ai.request.seed"
GEN_AI_CHOICES = "gen_ai.request.choice.count"
LLM_TOOL_CALLS = "bot.llm.tool_calls"
LLM_STREAM_END = "bot.llm.stream_end"

_OF_A_CALL = (GEN_AI_OPERATION, GEN_AI_PROVIDER, GEN_AI_REQUEST_MODEL, SERVER_ADDRESS, SERVER_PORT)
_TOKENS = (
    1.5, 4.5, 16.5, 64.5, 256.5, 1024.5, 4096.5, 16384.5, 65536.5, 262144.5, 1048576.5,
)  # fmt: skip

LLM_ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(GEN_AI_OPERATION, "What the model was asked for.", ("chat", "embeddings", "text_completion")),
    Attribute(GEN_AI_PROVIDER, "Who serves the model, by the host that was asked; else whose API it speaks."),
    Attribute(
        GEN_AI_REQUEST_MODEL, "The model that was asked; `other` after the first hundred of one client."
    ),
    Attribute(GEN_AI_RESPONSE_MODEL, "The model that answered."),
    Attribute(GEN_AI_RESPONSE_ID, "The provider's id of the answer."),
    Attribute(GEN_AI_FINISH_REASONS, "Why the model stopped."),
    Attribute(GEN_AI_FIRST_CHUNK, "Seconds until a stream's first chunk."),
    Attribute(GEN_AI_INPUT_TOKENS, "Tokens of the prompt, cached ones too."),
    Attribute(GEN_AI_OUTPUT_TOKENS, "Tokens of the answer."),
    Attribute(GEN_AI_CACHE_READ_TOKENS, "Tokens of the prompt that the provider had in its cache."),
    Attribute(GEN_AI_REASONING_TOKENS, "Tokens of the answer that were spent on reasoning."),
    Attribute(GEN_AI_TOKEN_TYPE, "Which tokens.", ("input", "output")),
    Attribute(GEN_AI_STREAM, "Whether the answer was streamed."),
    Attribute(GEN_AI_TEMPERATURE, "The temperature that was asked for."),
    Attribute(GEN_AI_TOP_P, "The nucleus that was asked for."),
    Attribute(GEN_AI_TOP_K, "How many of the likeliest tokens were to be considered."),
    Attribute(GEN_AI_MAX_TOKENS, "The longest answer that was asked for."),
    Attribute(GEN_AI_FREQUENCY_PENALTY, "The frequency penalty."),
    Attribute(GEN_AI_PRESENCE_PENALTY, "The presence penalty."),
    Attribute(GEN_AI_SEED, "The seed."),
    Attribute(GEN_AI_CHOICES, "How many answers were asked for, where it was not one."),
    Attribute(LLM_TOOL_CALLS, "How many tools the answer called, where it called any."),
    Attribute(
        LLM_STREAM_END,
        "How a stream ended that was not read to its end: the bot closed it, or let go of it.",
        ("closed", "abandoned"),
    ),
)

LLM_DURATION = Metric(
    "gen_ai.client.operation.duration", "histogram", "s",
    "Time that a call to a language model took, its stream and the SDK's retries included.",
    (*_OF_A_CALL, ERROR_TYPE), SECONDS,
)  # fmt: skip
LLM_FIRST_CHUNK = Metric(
    "gen_ai.client.operation.time_to_first_chunk", "histogram", "s",
    "Time from the call to the first chunk of a streamed answer.", _OF_A_CALL, SECONDS,
)  # fmt: skip
LLM_TOKENS = Metric(
    "gen_ai.client.token.usage", "histogram", "{token}",
    "Tokens of one call, as the provider counted them.", (*_OF_A_CALL, GEN_AI_TOKEN_TYPE), _TOKENS,
)  # fmt: skip
_OF_A_USE = (BOT_NAME, GEN_AI_PROVIDER, GEN_AI_REQUEST_MODEL, FEATURE)
LLM_CALLS = Metric(
    "bot.llm.calls", "counter", "{call}", "Calls, by what they were made for.", _OF_A_USE,
)  # fmt: skip
LLM_USED_TOKENS = Metric(
    "bot.llm.tokens", "counter", "{token}",
    "Tokens as the provider counted them, by what they were spent for.", (*_OF_A_USE, GEN_AI_TOKEN_TYPE),
)  # fmt: skip
LLM_COST = Metric(
    "bot.llm.cost", "counter", "{USD}",
    "What the calls cost, by the price table that `WHISPERWATCH_LLM_PRICES` names.", _OF_A_USE,
)  # fmt: skip
LLM_BUDGET_TOKENS = Metric(
    "bot.llm.budget.tokens", "gauge", "{token}", "Tokens that a calendar month may take (`LLM_TOKEN_BUDGET`).",
    (), (), "watcher",
)  # fmt: skip
LLM_BUDGET_COST = Metric(
    "bot.llm.budget.cost", "gauge", "{USD}", "USD that a calendar month may take (`LLM_COST_BUDGET`).",
    (), (), "watcher",
)  # fmt: skip

SPAN_LLM = SpanName(
    "{operation} {model}", "client",
    "One call to a language model, from the request to the last chunk that the bot read.",
    (
        GEN_AI_OPERATION, GEN_AI_PROVIDER, GEN_AI_REQUEST_MODEL, SERVER_ADDRESS, SERVER_PORT, GEN_AI_STREAM,
        GEN_AI_TEMPERATURE, GEN_AI_TOP_P, GEN_AI_TOP_K, GEN_AI_MAX_TOKENS, GEN_AI_FREQUENCY_PENALTY,
        GEN_AI_PRESENCE_PENALTY, GEN_AI_SEED, GEN_AI_CHOICES, GEN_AI_RESPONSE_MODEL, GEN_AI_RESPONSE_ID,
        GEN_AI_FINISH_REASONS, GEN_AI_FIRST_CHUNK, GEN_AI_INPUT_TOKENS, GEN_AI_OUTPUT_TOKENS,
        GEN_AI_CACHE_READ_TOKENS, GEN_AI_REASONING_TOKENS, LLM_TOOL_CALLS, LLM_STREAM_END, STATUS_CODE, ERROR_TYPE,
    ),
)  # fmt: skip
