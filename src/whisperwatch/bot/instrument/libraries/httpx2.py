"""httpx2, which is httpx under another name: openai 3 sends with it."""

from __future__ import annotations

import httpx2

from whisperwatch.bot.instrument.libraries.httpx_clients import Clients

_clients = Clients(httpx2)
apply = _clients.apply
