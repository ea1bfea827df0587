"""A language model behind OpenAI's API, of our own: slow like one, streaming like one, failing when told.

It answers `/v1/models` and `/v1/chat/completions`, streamed (with usage, where asked for) and whole. What it says
follows from what it is asked, so that a run can be repeated.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from aiohttp import web

MODEL = "companion-8b"
_ERRORS = {429: "rate_limit_exceeded", 500: "server_error", 503: "overloaded"}
_OPENINGS = ("Oh, ", "Hm, ", "Well, ", "I was just thinking: ", "Funny that you ask: ", "")
_MIDDLES = (
    "you told me once about {topic}", "{topic} is on my mind too", "I'd love to hear more about {topic}",
    "there is a story in {topic}", "{topic}, of all things", "nobody asks me about {topic}",
)  # fmt: skip
_ENDS = (
    ". Tell me how it went?", ", and I'll remember that.", ". What happened then?", ". Sleep on it!",
    ", if you ask me. Which you did.", ". Shall we make a note of it?",
)  # fmt: skip


@dataclass(slots=True)
class Temper:
    """How the model behaves from now on. Times in seconds, rates from 0 to 1."""

    first_token_s: float = 0.15
    token_s: float = 0.01
    failure_rate: float = 0.0
    failure_status: int = 503
    fail_next: int = 0


@dataclass(slots=True)
class LanguageModelLedger:
    """What was asked and answered."""

    answered: int = 0
    cut_off: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    failures: Counter[int] = field(default_factory=Counter)


class LanguageModel:
    """The server, on a free port of the loopback interface; `temper` may be changed while it runs."""

    name = "language model"

    def __init__(self, seed: int = 7) -> None:
        self.temper = Temper()
        self.ledger = LanguageModelLedger()
        self._dice = random.Random(seed)
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def environment(self) -> dict[str, str]:
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": "none-needed", "OPENAI_MODEL": MODEL}

    async def start(self) -> None:
        """Start serving."""
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._completions)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop serving; answers under way are cut off."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        model = {"id": MODEL, "object": "model", "created": 1767225600, "owned_by": "whisperwatch-demo"}
        return web.json_response({"object": "list", "data": [model]})

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        try:
            asked = await request.json()
            messages = asked["messages"]
            text = str(messages[-1]["content"])
        except (ValueError, KeyError, IndexError, TypeError):
            return _error(400, "the body has to be JSON with `messages`", "invalid_request_error")
        if asked.get("model") != MODEL:
            return _error(404, f"the model `{asked.get('model')}` does not exist", "model_not_found")
        await asyncio.sleep(self.temper.first_token_s)
        if self._fails():
            status = self.temper.failure_status
            self.ledger.failures[status] += 1
            return _error(status, "the model has a headache", _ERRORS.get(status, "server_error"))
        answer = Answer(text, prompt_tokens=sum(len(str(m.get("content", "")).split()) for m in messages))
        return await (self._stream(request, asked, answer) if asked.get("stream") else self._whole(answer))

    def _fails(self) -> bool:
        if self.temper.fail_next > 0:
            self.temper.fail_next -= 1
            return True
        return self._dice.random() < self.temper.failure_rate

    async def _whole(self, answer: Answer) -> web.Response:
        await asyncio.sleep(self.temper.token_s * len(answer.tokens))
        message = {"role": "assistant", "content": "".join(answer.tokens)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = answer.frame("chat.completion") | {"choices": [choice], "usage": answer.usage()}
        self._count(answer)
        return web.json_response(body)

    async def _stream(
        self, request: web.Request, asked: dict[str, Any], answer: Answer
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        try:
            for chunk in answer.chunks(bool((asked.get("stream_options") or {}).get("include_usage"))):
                await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
                await asyncio.sleep(self.temper.token_s)
            # Counted first: who has read the last line may look at the ledger at once.
            self._count(answer)
            await response.write(b"data: [DONE]\n\n")
            await response.write_eof()
        except ConnectionError:
            self.ledger.cut_off += 1
        except asyncio.CancelledError:
            self.ledger.cut_off += 1
            raise
        return response

    def _count(self, answer: Answer) -> None:
        self.ledger.answered += 1
        self.ledger.prompt_tokens += answer.prompt_tokens
        self.ledger.completion_tokens += len(answer.tokens)


class Answer:
    """What the model says to a text."""

    def __init__(self, text: str, prompt_tokens: int) -> None:
        self.prompt_tokens = prompt_tokens
        number = crc32(text.encode())
        words = sorted({word.strip(".,!?").lower() for word in text.split()}, key=len)
        topic = words[-1] if words else "silence"
        parts = (
            _OPENINGS[number % 6],
            _MIDDLES[number // 6 % 6].format(topic=topic),
            _ENDS[number // 36 % 6],
        )
        self.tokens = [f"{word} " for word in "".join(parts).split(" ")]
        self._id = f"chatcmpl-{number:08x}"

    def frame(self, sort: str) -> dict[str, Any]:
        """What every object of this answer has in common."""
        return {"id": self._id, "object": sort, "created": int(time.time()), "model": MODEL}

    def usage(self) -> dict[str, int]:
        """OpenAI's usage object."""
        spoken = len(self.tokens)
        total = self.prompt_tokens + spoken
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": spoken, "total_tokens": total}

    def chunks(self, with_usage: bool) -> list[dict[str, Any]]:
        """The stream, as OpenAI cuts it: the role, the tokens, the reason of the end, the usage."""
        frame = self.frame("chat.completion.chunk")
        deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": token} for token in self.tokens]
        choices: list[dict[str, Any]] = [
            {"index": 0, "delta": delta, "finish_reason": None} for delta in deltas
        ]
        choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
        chunks: list[dict[str, Any]] = [frame | {"choices": [choice]} for choice in choices]
        if with_usage:
            chunks.append(frame | {"choices": [], "usage": self.usage()})
        return chunks


def _error(status: int, message: str, code: str) -> web.Response:
    body = {"error": {"message": message, "type": code, "param": None, "code": code}}
    return web.json_response(body, status=status)
