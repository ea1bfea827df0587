"""What of a recorder is read, whoever fills it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from whisperwatch.watcher.records.metrics import Instrument, Scope

MOST_ENDPOINTS: Final = 256
Span = tuple[Any, ...]
"""A SPAN of the tape."""
Log = tuple[Any, ...]
"""A LOG of the tape."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that the bot uses; see DEFINITION in `tape`. `arguments` may hold secrets, and shows in no `repr`."""

    system: str
    arguments: Mapping[str, Any] = field(repr=False, hash=False)


class Records:
    """The side of a stream that is read.

    Attributes:
        resource: the attributes of what is described, as `pipeline.resource` makes them.
        slot: 0 for the first process of the watcher; later ones carry `service_instance_id` in `/metrics`.
        scopes, attribute_sets: by the number that spans use.
        defined: grows with each instrument and each cell.
        refused_cells: metric points that were left out because an id is among their attributes.
        counts_from_zero: a cell's sum was 0 when it began. What the watcher reads of the machine began long before.
        returned: wall ns from which on nobody but this watcher can have exported its cells; 0 where nobody ever can.
        hosted: the signals ("spans", "metrics", "logs") that the host application's own providers get and export.
        endpoints: the servers that the bot uses, by number; at most `MOST_ENDPOINTS`. For health checks only: there
            are passwords in it.
    """

    def __init__(self, resource: Mapping[str, Any], slot: int = 0) -> None:
        self.resource = dict(resource)
        self.hosted: frozenset[str] = frozenset()
        self.counts_from_zero = True
        self.returned = 0
        self.slot = slot
        self.refused_cells = 0
        self.defined = 0
        self.scopes: dict[int, Scope] = {}
        self.attribute_sets: dict[int, dict[str, Any]] = {0: {}}
        self.endpoints: dict[int, Endpoint] = {}

    @property
    def instruments(self) -> Iterable[Instrument]:
        """Every instrument, in the order of definition."""
        raise NotImplementedError
