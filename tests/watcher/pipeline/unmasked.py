"""Texts and keys that redaction leaves alone: hypothesis takes words of our own code too, and there are secrets' names
and tokens among them."""

from __future__ import annotations

import hypothesis.strategies as st

from whisperwatch.watcher.redaction import Redactor
from whisperwatch.watcher.redaction.pairs import is_secret_key
from whisperwatch.watcher.redaction.sql import STATEMENTS

_redactor = Redactor()


def unmasked(most: int) -> st.SearchStrategy[str]:
    """Texts of at most so many characters."""
    return st.text(max_size=most).filter(lambda text: _redactor.text(text) == text)


def unmasked_keys(most: int, least: int = 0) -> st.SearchStrategy[str]:
    """Keys whose values are left alone, too."""
    keys = st.text(min_size=least, max_size=most)
    return keys.filter(lambda key: not is_secret_key(key) and key not in STATEMENTS)
