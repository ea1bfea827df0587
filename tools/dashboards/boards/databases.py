"""Databases, caches' servers, and the pools of connections to them."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import Board, Panel

_CALLS: Final = "db.client.operation.duration"
_FAILED: Final = f'increase({_CALLS} where error.type != "")'
BOARD: Final = Board(
    "databases",
    "Databases and pools",
    "Calls to databases, Redis and vector stores, and the pools of connections that they wait for.",
    (
        (
            Panel(
                "Calls",
                f"increase({_CALLS})",
                "Statements and commands in the chosen time. Good: in proportion to the answers. More for each: a loop "
                "asks one by one what could be asked at once.",
                "stat",
            ),
            Panel(
                "P95",
                f"p95({_CALLS})",
                "Time that a call takes. Good: under 50 ms.",
                "stat",
                limits=(0.05, 0.5),
            ),
            Panel(
                "Failed",
                f"{_FAILED} / increase({_CALLS})",
                "The share of calls that failed. Good: 0.",
                "stat",
                limits=(0.001, 0.01),
            ),
            Panel(
                "Pools in use",
                "last(db.client.connection.count where db.client.connection.state = used) "
                "by db.client.connection.pool.name / last(db.client.connection.max) by db.client.connection.pool.name",
                "Connections in use, of those that the pool may open, now. Good: under 80 %.",
                "stat",
                limits=(0.8, 0.95),
            ),
            Panel(
                "Waiting for a connection",
                "last(db.client.connection.pending_requests)",
                "Who waits for a pool's connection now. Good: 0. Others: the pool is too small, or somebody keeps what "
                "they took.",
                "stat",
                limits=(1.0, 5.0),
            ),
            Panel(
                "Waits given up",
                "increase(db.client.connection.timeouts)",
                "Waits for a pool's connection that ran into a time limit. Good: 0.",
                "stat",
                limits=(1.0, 10.0),
            ),
        ),
        (
            Panel(
                "P95 by system",
                f"p95({_CALLS}) by db.system.name",
                "Good: flat; PostgreSQL under 50 ms, Redis under 5 ms, a vector store under 100 ms. A dot is one call: "
                "its link opens the trace.",
                limits=(0.05, 0.5),
            ),
            Panel(
                "Calls a minute, by system",
                f"rate({_CALLS}) by db.system.name",
                "Good: follows the answers.",
                "bars",
            ),
        ),
        (
            Panel(
                "Connections by state",
                "last(db.client.connection.count) by db.client.connection.state",
                "Open connections of all pools. Good: some are idle at all times.",
                "bars",
            ),
            Panel(
                "Time until a pool gave a connection",
                {
                    "P50": "p50(db.client.connection.wait_time)",
                    "P95": "p95(db.client.connection.wait_time)",
                },
                "Good: under 5 ms. More: the pool is too small (`!performance bottlenecks` says how large it should "
                "be), or connections are held across waits.",
                limits=(0.005, 0.1),
            ),
            Panel(
                "Failed calls, by error",
                f"{_FAILED} by db.system.name, error.type",
                "What failed, in each window. Good: nothing.",
                "bars",
            ),
        ),
        (
            Panel(
                "Slowest operations",
                {
                    "P95": f"p95({_CALLS}) by db.system.name, db.operation.name",
                    "calls": f"increase({_CALLS}) by db.system.name, db.operation.name",
                    "time": f"sum({_CALLS}) by db.system.name, db.operation.name",
                },
                "Operations of the chosen time, the slowest first; `time` is what all their calls took together. Good: "
                "what takes most time is what the bot is for.",
                "table",
                width=14,
            ),
            Panel(
                "Pools",
                {
                    "used": "last(db.client.connection.count where db.client.connection.state = used) "
                    "by db.client.connection.pool.name",
                    "may open": "last(db.client.connection.max) by db.client.connection.pool.name",
                    "waits, P95": "p95(db.client.connection.wait_time) by db.client.connection.pool.name",
                    "held, P95": "p95(db.client.connection.use_time) by db.client.connection.pool.name",
                },
                "Each pool. Good: fewer are used than may be opened, and none is held for longer than its statements "
                "take.",
                "table",
                width=10,
            ),
        ),
    ),
)
