"""httpx."""

from __future__ import annotations

import httpx

from whisperwatch.bot.instrument.libraries.httpx_clients import Clients

_clients = Clients(httpx)
apply = _clients.apply
