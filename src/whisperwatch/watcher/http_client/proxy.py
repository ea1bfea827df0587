"""The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2

from .address import address
from .failures import HttpError, UnreachableError


def proxy_for(url: str) -> str | None:
    """The proxy's URL, as the environment has it; None without one."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return getproxies().get(parts.scheme)


def proxy_at(url: str, tls: ssl.SSLContext | None) -> httpcore2.Proxy:
    """The proxy at `url`; one that is asked by TLS is trusted as the server is.

    Raises:
        UnreachableError: it is none that we speak to.
    """
    scheme = urlsplit(url).scheme if "://" in url else "http"
    if scheme not in ("http", "https"):
        raise UnreachableError(
            f"its proxy is one of {scheme}, and only those of http and https are spoken to"
        )
    try:
        there = address(url if "://" in url else f"http://{url}")
    except HttpError:
        raise UnreachableError("the proxy that the environment names has no valid URL") from None
    return httpcore2.Proxy(
        httpcore2.URL(scheme=scheme, host=there.host, port=there.port, target="/"),
        headers={} if there.basic is None else {"Proxy-Authorization": there.basic},
        ssl_context=(tls or ssl.create_default_context()) if scheme == "https" else None,
    )
