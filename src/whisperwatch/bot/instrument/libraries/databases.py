"""SQL servers as calls to them are measured: found once by address and database, with the statements they are sent."""

from __future__ import annotations

from typing import Any

from whisperwatch import semconv
from whisperwatch.bot.instrument.libraries.calls import Call, Durations
from whisperwatch.bot.instrument.libraries.statements import LONGEST_READ, Statement, statement
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.tracing import tracing

_MOST_QUERIES = 1000
"""Different texts that are remembered of a server; one that writes values into its SQL has more."""
_MOST_STATEMENTS = 300
"""Different statements, without their literals, that are defined on the tape once; others go with each span."""
_MOST_SERVERS = 100


class Sent:
    """One statement to one server: what its spans are called, say, and are measured by."""

    __slots__ = ("durations", "own", "static", "title")

    def __init__(self, server: Server, shown: Statement, is_defined: bool) -> None:
        self.title = shown.summary
        self.durations = server.durations(shown.verb)
        about = {semconv.DB_OPERATION: shown.verb}
        if shown.table:
            about[semconv.DB_COLLECTION] = shown.table
        if shown.text:
            about[semconv.DB_QUERY_SUMMARY] = shown.summary
            about[semconv.DB_QUERY_TEXT] = shown.text
        # the system tells how the text is to be read
        self.own: dict[str, Any] | None = (
            None if is_defined else {semconv.DB_SYSTEM: server.about[semconv.DB_SYSTEM], **about}
        )
        self.static = recorder.attribute_set({**server.about, **about}) if is_defined else server.static


class Server:
    """One database of one server."""

    def __init__(self, system: str, namespace: str, address: str, port: int | None) -> None:
        self.about: dict[str, Any] = {
            semconv.DB_SYSTEM: system, semconv.DB_NAMESPACE: namespace, semconv.SERVER_ADDRESS: address,
        }  # fmt: skip
        if port is not None:
            self.about[semconv.SERVER_PORT] = port
        self.pool = f"{address}/{namespace}" if port is None else f"{address}:{port}/{namespace}"
        """Its name as a pool's."""
        self.static = recorder.attribute_set(self.about)
        self._durations: dict[str, Durations] = {}
        self._queries: dict[str, Sent] = {}
        self._statements: dict[str, Sent] = {}
        self._steps: dict[str, Sent] = {}

    def durations(self, operation: str) -> Durations:
        """Of one operation, whose names must be bounded."""
        found = self._durations.get(operation)
        if found is None:
            attributes = {**self.about, semconv.DB_OPERATION: operation}
            found = self._durations[operation] = Durations(semconv.DB_DURATION, attributes)
        return found

    def known(self, query: str) -> Sent | None:
        """What is known of this SQL, if it was sent before."""
        return self._queries.get(query)

    def sent(self, query: str) -> Sent:
        """What is to be known of this SQL."""
        found = self._queries.get(query)
        if found is None:
            found = self._stated(statement(query, self.about[semconv.DB_SYSTEM]))
            if len(query) <= LONGEST_READ:
                if len(self._queries) >= _MOST_QUERIES:
                    self._queries.clear()
                self._queries[query] = found
        return found

    def step(self, operation: str) -> Sent:
        """What is no SQL: `connect`, `acquire`, a Redis command. The names must be bounded."""
        found = self._steps.get(operation)
        if found is None:
            found = self._steps[operation] = Sent(self, Statement(operation, "", ""), True)
        return found

    def _stated(self, shown: Statement) -> Sent:
        found = self._statements.get(shown.text)
        if found is None:
            is_defined = len(self._statements) < _MOST_STATEMENTS
            found = Sent(self, shown, is_defined)
            if is_defined:
                self._statements[shown.text] = found
        return found


class SQLCall(Call):
    """One statement that is under way, or, with `sent`, a step that is none.

    A statement that was not sent before is read later where that is possible: it costs as much as the call does.
    """

    component = "database"
    sent: Sent | None

    def __init__(self, server: Server, query: str, sent: Sent | None = None) -> None:
        if sent is None:
            sent = server.known(query)
            if sent is None and not tracing.plain:
                sent = server.sent(query)
        self.sent = sent
        if sent is None:
            self.server, self.query = server, query
            self.title, self.static = "SQL", server.static
        else:
            self.title, self.static = sent.title, sent.static
        self.begin()

    def failed(self, error: BaseException) -> None:
        super().failed(error)
        code = getattr(error, "sqlstate", None)
        if code is not None and self.own is not None:
            self.own[semconv.DB_STATUS_CODE] = code

    @property
    def tried(self) -> str:
        self._read()
        return self.title

    def settle(self) -> None:
        self.durations = self._read().durations
        super().settle()

    def describe(self) -> None:
        own = self._read().own
        if own is not None:
            self.own = {**own, **(self.own or {})}

    def _read(self) -> Sent:
        if self.sent is None:
            self.sent = self.server.sent(self.query)
            self.title, self.static = self.sent.title, self.sent.static
        return self.sent


def server_of(system: str, namespace: str, address: str, port: int | None) -> Server:
    """The server that is known by this address; beyond a hundred, those that come are one."""
    key = (system, namespace, address, port)
    found = _servers.get(key)
    if found is None:
        if len(_servers) >= _MOST_SERVERS:
            key = (system, "other", "other", None)
            found = _servers.get(key)
        if found is None:
            found = _servers[key] = Server(*key)
    return found


_servers: dict[tuple[str, str, str, int | None], Server] = {}
