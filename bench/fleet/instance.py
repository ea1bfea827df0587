"""One synthetic process of a bot, and the watcher's side of it: from what it records to requests of OTLP.

The way is the real one, but for the socket: recorder, cargo, tape, stream, encoders with redaction, gzip. What
discord.py and its patches cost is not in it, for there is no Discord; `make bench` measures that.
"""

from __future__ import annotations

import gzip
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bench.fleet.traffic import BOT, Traffic
from whisperwatch import tape
from whisperwatch.bot.recording.recorder import Recorder
from whisperwatch.bot.ship.cargo import Cargo
from whisperwatch.watcher.pipeline.batch import Batch
from whisperwatch.watcher.pipeline.otlp_logs import LogEncoder
from whisperwatch.watcher.pipeline.otlp_metrics import MetricEncoder
from whisperwatch.watcher.pipeline.otlp_spans import SpanEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Stream

SERVICE: Final = "bench-fleet"
SIGNALS: Final = ("metrics", "traces", "logs")
_REDACTION: Final = Redaction(bytes(32))
_NS: Final = 10**9
_TAPE_BYTES: Final = 1 << 28
_MOST: Final = 512
"""Records of a request, as by default."""


@dataclass
class Spent:
    """What the instances' side of it cost: seconds of CPU; by signal, bytes before and after compression; records."""

    recording_s: float = 0.0
    watcher_s: float = 0.0
    encoded: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIGNALS, 0))
    sent: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIGNALS, 0))
    records: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIGNALS, 0))

    def clear(self) -> None:
        """Nothing, so far."""
        self.recording_s = self.watcher_s = 0.0
        for counted in (self.encoded, self.sent, self.records):
            counted.update(dict.fromkeys(SIGNALS, 0))

    def add(self, signal: str, body: bytes, records: int) -> bytes:
        """Count a request; it comes back compressed."""
        packed = gzip.compress(body, 1, mtime=0)
        self.encoded[signal] += len(body)
        self.sent[signal] += len(packed)
        self.records[signal] += records
        return packed


class Instance:
    """A process of the bot.

    Args:
        number: of the instance.
        shards: those that it has.
        guilds: of each shard.
        began: unix seconds.
    """

    def __init__(self, number: int, shards: range, guilds: int, began: float, spent: Spent) -> None:
        self._spent, self._began = spent, began
        self._recorder = Recorder()
        self._traffic = Traffic(self._recorder, shards, guilds, random.Random(number))
        self._cargo = Cargo(self._recorder, _TAPE_BYTES, _lost, _lost)
        self._cargo.begin()
        self._incoming = tape.Incoming()
        about: Mapping[str, Any] = {
            "service.name": SERVICE, "service.instance.id": f"bench-{number}", "service.version": "1",
            "host.name": f"host-{number}", "telemetry.sdk.language": "python", "telemetry.distro.name": "whisperwatch",
        }  # fmt: skip
        self._stream = Stream(about)
        self._metrics = MetricEncoder(self._stream, _REDACTION)
        self._spans = Batch(lambda stream: SpanEncoder(stream, _REDACTION), _MOST)
        self._logs = Batch(lambda stream: LogEncoder(stream, _REDACTION, {BOT: "bot"}), _MOST)

    def turn(self, at: float, messages: int, events: int) -> Iterator[tuple[str, bytes]]:
        """An export interval that ends at `at` (unix seconds).

        Yields:
            signal and compressed request.
        """
        began = time.process_time()
        self._traffic.happen(at, messages, events)
        carried = time.process_time()
        self._spent.recording_s += carried - began
        made = [*self._carried(), *self._exported(round(at * _NS))]
        self._spent.watcher_s += time.process_time() - carried
        yield from made

    def _carried(self) -> Iterator[tuple[str, bytes]]:
        """Everything goes over the tape; spans and logs leave as their requests are full."""
        while self._cargo.take_spans():
            pass
        beat: dict[str, Any] | None = {"bots": []}
        while (batch := self._cargo.batch(beat)) is not None:
            beat = None
            for frame in self._incoming.feed(tape.pack(batch)):
                spans, logs = self._stream.take(frame), self._stream.logs_of(frame)
                yield from self._full("traces", self._spans, spans, frame[2])
                yield from self._full("logs", self._logs, logs, frame[2])
        self._cargo.acknowledged(self._cargo.seq, 0, 0)

    def _full(self, signal: str, batch: Batch, records: Any, offset: int) -> Iterator[tuple[str, bytes]]:
        for full in batch.add(self._stream, records, offset):
            assert not isinstance(full, int), f"{full} {signal} could not be encoded"
            yield signal, self._spent.add(signal, full.body, full.records)

    def _exported(self, at_ns: int) -> Iterator[tuple[str, bytes]]:
        for signal, batch in (("traces", self._spans), ("logs", self._logs)):
            for full in batch.close():
                yield signal, self._spent.add(signal, full.body, full.records)
        body, points = self._metrics.encode(at_ns)[:2]
        yield "metrics", self._spent.add("metrics", body, points)

    @property
    def cells(self) -> int:
        """Attribute sets of all metrics: a series each, a histogram's some twenty."""
        return sum(len(instrument.cells) for instrument in self._stream.instruments)


def _lost(reason: str, amount: int) -> None:
    raise RuntimeError(f"{amount} records were lost: {reason}")
