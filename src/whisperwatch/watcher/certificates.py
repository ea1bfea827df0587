"""TLS with the certificates that the settings name: for collectors and stores by HTTP, and for a SIEM."""

from __future__ import annotations

import ssl


def tls_context(
    authorities: str | None, client_certificate: str | None = None, client_key: str | None = None
) -> ssl.SSLContext:
    """Trusts those in the file `authorities`, the system's by default; shows our own certificate, if we have one.

    Raises:
        OSError, ssl.SSLError: a file can't be read.
    """
    context = ssl.create_default_context(cafile=authorities)
    if client_certificate:
        context.load_cert_chain(client_certificate, client_key)
    return context
