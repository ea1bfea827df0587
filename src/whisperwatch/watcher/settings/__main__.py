"""`python -m whisperwatch.watcher.settings [FILE]`: the page of settings, printed or written to FILE."""

from __future__ import annotations

import sys
from pathlib import Path

from .page import page

if len(sys.argv) > 1:
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
else:
    print(page(), end="")
