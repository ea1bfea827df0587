"""JSON as the store keeps it: without blanks, every character as it is, what JSON doesn't know as text."""

from __future__ import annotations

import json
from typing import Final

json_text: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
