"""The gateway's transport compression: one stream for a connection's life, flushed after each payload."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

Compress = Callable[[str], bytes]


def compressor(name: str | None) -> Compress | None:
    """The compression that the gateway's URL asks for; None for plain text.

    Raises:
        ValueError: an unknown compression, or zstd without a library for it.
    """
    if name is None:
        return None
    if name == "zlib-stream":
        return _zlib_stream()
    if name == "zstd-stream":
        return _zstd_stream()
    raise ValueError(f"compress={name} is unknown: use zlib-stream or zstd-stream")


def _zlib_stream() -> Compress:
    context = zlib.compressobj()
    return lambda text: context.compress(text.encode()) + context.flush(zlib.Z_SYNC_FLUSH)


def _zstd_stream() -> Compress:
    try:
        import zstandard  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise ValueError("compress=zstd-stream needs the package zstandard on the server") from None
    context: Any = zstandard.ZstdCompressor().compressobj()
    return lambda text: context.compress(text.encode()) + context.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
