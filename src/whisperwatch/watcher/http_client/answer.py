"""What came back: read up to a limit and a moment, and unpacked."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpcore2

from .failures import FAILURES, HttpError, failure

_GZIP: Final = 31
"""zlib's window of 15 bits, with gzip's header."""
_NO_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    Attributes:
        where: its URL, without user and query.
        headers: by name in lower case.
        body: unpacked; longer than what was asked for where there is more than that.
        lost: why the body isn't all of it; None where it is.
    """

    where: str
    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    lost: TimeoutError | HttpError | None

    @property
    def content_type(self) -> str:
        """Without parameters."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind if "/" in kind else _NO_TYPE


async def read(where: str, response: httpcore2.Response, most: int, until: float) -> Answer:
    """All of it, or a byte more than `most`."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    body = bytearray()
    lost: TimeoutError | HttpError | None = None
    try:
        async with asyncio.timeout_at(until):
            await _fill(body, response, most, _unpacking(headers.get("content-encoding", "")))
    except TimeoutError as error:
        lost = error
    except zlib.error:
        lost = HttpError("the answer's gzip can't be unpacked")
    except FAILURES as error:
        lost = failure(error)
    finally:
        await response.aclose()
    reason = response.extensions.get("reason_phrase", b"").decode("utf-8", "replace")
    return Answer(where, response.status, reason, headers, bytes(body), lost)


async def _fill(
    body: bytearray, response: httpcore2.Response, most: int, unpacked: Callable[[bytes, int], bytes]
) -> None:
    async with contextlib.aclosing(response.aiter_stream()) as chunks:
        async for chunk in chunks:
            body += unpacked(chunk, most + 1 - len(body))
            if len(body) > most:
                break


def _unpacking(encoding: str) -> Callable[[bytes, int], bytes]:
    """What makes at most so many bytes of a chunk."""
    if encoding.strip().lower() in ("gzip", "x-gzip"):
        return zlib.decompressobj(_GZIP).decompress
    return lambda chunk, most: chunk[:most]
