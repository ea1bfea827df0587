"""One HTTP client for all that the watcher asks and sends: few connections, kept; each failure is a reason to show.

It is httpcore2, by itself: aiohttp takes 9.6 MB of the watcher, this 2.4. What a client of the usual kind does beyond
that is here: the proxy of the environment, credentials in the URL, gzip, and a limit to the time and to the answer.
"""

from .answer import Answer
from .client import HttpClient
from .failures import HttpError, NoHttpError, UnreachableError, UntrustedError

__all__ = [
    "Answer",
    "HttpClient",
    "HttpError",
    "NoHttpError",
    "UnreachableError",
    "UntrustedError",
]
