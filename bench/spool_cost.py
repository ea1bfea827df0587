"""What the spool costs the watcher: MB/s to the disk and back, and the memory of a watcher whose collector is dead.

    python -m bench.spool_cost [--megabytes N]

The requests are what commands with a reply make (`bench.pipeline_cost`), 500 spans each.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.pipeline_cost import RESOURCE, STATIC, spans
from whisperwatch.watcher.pipeline.otlp_spans import SpanEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.pipeline.request import Request
from whisperwatch.watcher.pipeline.spool import Spool
from whisperwatch.watcher.records import Stream

_BATCH = 500


def requests(count: int) -> list[bytes]:
    """Encoded requests."""
    dice, stream = random.Random(1), Stream(RESOURCE)
    definitions: list[tuple[Any, ...]] = [("scope", 1, "whisperwatch", "0", None, None)]
    definitions += [("attributes", n + 1, attributes) for n, attributes in enumerate(STATIC)]
    stream.take(("batch", 1, 10**18, definitions, [], [], {}))
    encoder, made = SpanEncoder(stream, Redaction(bytes(32))), []
    for n in range(count):
        batch: tuple[Any, ...] = ("batch", n + 2, 10**18, [], spans(_BATCH, dice), [], {})
        by_scope = encoder.encode(stream.take(batch), 10**18)
        made.append(encoder.enclosed({scope: [body] for scope, body in by_scope.items()}))
    return made


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--megabytes", type=int, default=30, help="of requests, before compression (default 30)"
    )
    megabytes = options.parse_args().megabytes
    bodies = requests(20)
    bodies *= max(1, round(megabytes * 1e6 / sum(map(len, bodies))))
    raw = sum(map(len, bodies))
    with tempfile.TemporaryDirectory() as home:
        spool = Spool(Path(home) / "spool", 2**40, lambda *_: None)
        spool.open()
        there, back, cpu = [], [], time.process_time()
        for body in bodies:
            began = time.perf_counter()
            assert spool.put(Request("spans", body, _BATCH))
            there.append(time.perf_counter() - began)
        cpu = time.process_time() - cpu
        size = spool.waiting_bytes("spans")
        while True:
            began = time.perf_counter()
            request = spool.first("spans")
            if request is None:
                break
            spool.done(request)
            back.append(time.perf_counter() - began)
    print(f"{len(bodies)} requests of {_BATCH} spans, {raw / 1e6:.1f} MB, {size / raw:.2f} of it on the disk")
    print(
        f"to the disk  {raw / sum(there) / 1e6:6.0f} MB/s; a request {statistics.median(there) * 1e3:.2f} ms, at most"
    )
    print(
        f"             {max(there) * 1e3:.2f} ms; {cpu / (len(bodies) * _BATCH) * 1e6:.2f} µs of CPU a span"
    )
    print(f"and back     {raw / sum(back) / 1e6:6.0f} MB/s; a request {statistics.median(back) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
