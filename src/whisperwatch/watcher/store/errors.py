"""What is wrong with the store."""

from __future__ import annotations


class StoreError(Exception):
    """The store can't be opened, written or asked; the message is a sentence for the operator."""
