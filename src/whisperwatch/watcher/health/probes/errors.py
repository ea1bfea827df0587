"""Why a server didn't answer as it should, in words for people, and never in its own: those may quote a secret."""

from __future__ import annotations

import socket
import ssl
from typing import Final


class ProbeError(Exception):
    """It doesn't answer as it should; the text follows its name: "PostgreSQL at db:5432 …"."""


class RefusedError(ProbeError):
    """It refuses the bot's key, password or database: to ask again is of no use."""


class UnknownError(ProbeError):
    """It can't be asked from here, so nothing is known of it."""


_BY_NAME: Final[dict[str, ProbeError]] = {
    # asyncpg's, which is imported only where there is something to ask
    "InvalidPasswordError": RefusedError("refuses the bot's user or password"),
    "InvalidAuthorizationSpecificationError": RefusedError("refuses the bot's user or password"),
    "InvalidCatalogNameError": RefusedError("doesn't have the bot's database"),
    "TooManyConnectionsError": ProbeError("has no connection left to give (too many clients)"),
    "CannotConnectNowError": ProbeError("is starting up, shutting down or recovering"),
    "ConnectionDoesNotExistError": ProbeError("closed the connection"),
    "AdminShutdownError": ProbeError("is shutting down"),
    "ProtocolError": ProbeError("answers something that is not its protocol"),
    "RemoteProtocolError": ProbeError("answers something that is not HTTP"),
    "LocalProtocolError": UnknownError("can't be asked, for the key or a header of it can't be sent"),
    "IncompleteReadError": ProbeError("closed the connection in the middle of an answer"),
}


def explained(error: BaseException, limit_s: float) -> ProbeError:
    """What to say of what a probe raised."""
    if isinstance(error, ProbeError):
        return error
    if known := next(
        (_BY_NAME[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _BY_NAME), None
    ):
        return known
    if isinstance(error, TimeoutError):
        return ProbeError(f"doesn't answer within {limit_s:.2g} s")
    if isinstance(error, socket.gaierror):
        return ProbeError("has a name that can't be resolved (DNS)")
    if isinstance(error, ssl.SSLCertVerificationError):
        # what the bot itself trusts is not known: its own calls tell whether that is the certificate's fault
        return UnknownError(f"has a certificate that isn't trusted here ({error.verify_message})")
    if isinstance(error, ssl.SSLError):
        return ProbeError("can't be talked to over TLS")
    if isinstance(error, ConnectionRefusedError):
        return ProbeError("refuses the connection: nothing listens there")
    if isinstance(error, ConnectionError):
        return ProbeError("closed the connection")
    if isinstance(error, FileNotFoundError):
        return ProbeError("is not there: its socket doesn't exist")
    if isinstance(error, OSError) and error.strerror:
        return ProbeError(f"can't be reached ({error.strerror})")
    return ProbeError(f"could not be asked ({type(error).__name__})")
