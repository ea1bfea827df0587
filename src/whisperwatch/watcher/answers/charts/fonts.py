"""Keeps matplotlib's list of fonts short. It makes one when it is first imported, of the machine's fonts, its own and
PostScript's, and remembers it in its folder; with a thousand fonts that takes seconds, and charts use one of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

FAMILY: Final = "DejaVu Sans"
"""Comes with matplotlib."""
IGNORE: Final = {"MPL_IGNORE_SYSTEM_FONTS": "1"}
"""In the environment: matplotlib from 3.10 on doesn't ask the system for its fonts."""
_FILES: Final = "DejaVuSans"


@contextmanager
def ours_alone() -> Iterator[None]:
    """Inside the block, in which nothing but matplotlib is imported, folders have no files but this font's."""
    walk = os.walk

    def short(*where: Any, **how: Any) -> Iterator[tuple[Any, list[Any], list[Any]]]:
        for folder, folders, files in walk(*where, **how):
            yield folder, folders, [name for name in files if str(name).startswith(_FILES)]

    os.walk = short
    try:
        yield
    finally:
        os.walk = walk
