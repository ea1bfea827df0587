"""A call to a language model while it is under way: its span, and what it is measured by."""

from __future__ import annotations

from typing import Any

from whisperwatch import semconv
from whisperwatch.bot.instrument.bots import name_of_bot
from whisperwatch.bot.instrument.features import feature_here
from whisperwatch.bot.instrument.libraries.llm.prices import cost, prices
from whisperwatch.bot.instrument.libraries.llm.servers import Asked
from whisperwatch.bot.instrument.libraries.nesting import NestingCall
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.masking import told
from whisperwatch.bot.recording.recorder import recorder

_MOST_HEARD = 20_000
"""Characters of an answer that are kept for masking, as many as are looked at."""
_NUMBERS = frozenset({int, float})
_PARAMETERS = (
    ("temperature", semconv.GEN_AI_TEMPERATURE),
    ("top_p", semconv.GEN_AI_TOP_P),
    ("top_k", semconv.GEN_AI_TOP_K),
    ("max_tokens", semconv.GEN_AI_MAX_TOKENS),
    ("max_completion_tokens", semconv.GEN_AI_MAX_TOKENS),
    ("max_output_tokens", semconv.GEN_AI_MAX_TOKENS),
    ("frequency_penalty", semconv.GEN_AI_FREQUENCY_PENALTY),
    ("presence_penalty", semconv.GEN_AI_PRESENCE_PENALTY),
    ("seed", semconv.GEN_AI_SEED),
)


class ModelCall(NestingCall):
    """One call, from the request to the end of its answer or stream. The answer's readers fill in what they find."""

    component = "llm"
    model = ""
    """The one that answered."""
    response_id = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens = 0
    reasoning_tokens = 0
    tool_calls = 0
    first_chunk_ns = 0

    def __init__(self, asked: Asked, body: dict[str, Any], streamed: bool, spanned: bool) -> None:
        self.asked = asked
        self.title = asked.title
        self.static = asked.static
        self.durations = asked.durations
        self.finish_reasons: list[str] = []
        self._heard: list[str] = []
        self._room = _MOST_HEARD
        self.feature = feature_here()
        if spanned:
            self.begin()
        else:
            self.recorded = False
            self.start_ns = recorder.clock.now()
        if self.recorded:
            self._note_parameters(body, streamed)

    def _note_parameters(self, body: dict[str, Any], streamed: bool) -> None:
        own = self.own = self.own or {}
        for name, key in _PARAMETERS:
            value = body.get(name)
            if type(value) in _NUMBERS:
                own[key] = value
        if streamed:
            own[semconv.GEN_AI_STREAM] = True
        if type(body.get("n")) is int and body["n"] != 1:
            own[semconv.GEN_AI_CHOICES] = body["n"]

    def hear(self, text: Any) -> None:
        """A piece of what the model says."""
        if type(text) is str and text and self._room > 0:
            self._heard.append(text)
            self._room -= len(text)

    @property
    def tried(self) -> str:
        """A bot may try another model."""
        return self.component

    def over(self, error: BaseException | None = None, how: str = "") -> None:
        """It has ended; `how` is said of a stream that was not read to its end. A second call does nothing."""
        if self.end_ns:
            return
        if how and self.recorded:
            self.own = {**(self.own or {}), semconv.LLM_STREAM_END: how}
        super().over(error)
        if self._heard:
            told("".join(self._heard))
            self._heard.clear()

    def failed(self, error: BaseException) -> None:
        super().failed(error)
        status = getattr(error, "status_code", None)
        if type(status) is int and self.own is not None:
            self.own[semconv.STATUS_CODE] = status

    def settle(self) -> None:
        super().settle()
        exemplar = self if self.recorded else None
        attributes = self.asked.attributes
        if self.first_chunk_ns:
            timing(semconv.LLM_FIRST_CHUNK, attributes).record(self._until_first_chunk, exemplar)
        used = {
            semconv.BOT_NAME: name_of_bot(self.root),
            semconv.GEN_AI_PROVIDER: attributes[semconv.GEN_AI_PROVIDER],
            semconv.GEN_AI_REQUEST_MODEL: attributes[semconv.GEN_AI_REQUEST_MODEL],
            semconv.FEATURE: self.feature,
        }
        counting(semconv.LLM_CALLS, used).add(1)
        for kind, tokens in (("input", self.input_tokens), ("output", self.output_tokens)):
            if tokens is not None:
                of_kind = {semconv.GEN_AI_TOKEN_TYPE: kind}
                timing(semconv.LLM_TOKENS, {**attributes, **of_kind}).record(tokens, exemplar)
                counting(semconv.LLM_USED_TOKENS, {**used, **of_kind}).add(tokens)
        self._charge(used)

    def _charge(self, used: dict[str, Any]) -> None:
        table = prices()
        if not table or (self.input_tokens is None and self.output_tokens is None):
            return
        tokens = (self.input_tokens or 0, self.output_tokens or 0)
        usd = cost(table, self.asked.model, *tokens)
        if usd is None:
            usd = cost(table, self.model, *tokens)
        if usd is not None:
            counting(semconv.LLM_COST, used).add(usd)

    @property
    def _until_first_chunk(self) -> float:
        return (self.first_chunk_ns - self.start_ns) / 1e9

    def describe(self) -> None:
        own = self.own = self.own or {}
        for key, value in (
            (semconv.GEN_AI_RESPONSE_MODEL, self.model),
            (semconv.GEN_AI_RESPONSE_ID, self.response_id),
            (semconv.GEN_AI_FINISH_REASONS, tuple(self.finish_reasons)),
            (semconv.GEN_AI_CACHE_READ_TOKENS, self.cached_tokens),
            (semconv.GEN_AI_REASONING_TOKENS, self.reasoning_tokens),
            (semconv.LLM_TOOL_CALLS, self.tool_calls),
        ):
            if value:
                own[key] = value
        if self.input_tokens is not None:
            own[semconv.GEN_AI_INPUT_TOKENS] = self.input_tokens
        if self.output_tokens is not None:
            own[semconv.GEN_AI_OUTPUT_TOKENS] = self.output_tokens
        if self.first_chunk_ns:
            own[semconv.GEN_AI_FIRST_CHUNK] = self._until_first_chunk
