"""Discord's side: the gateway's connections, the shards, the REST API and its limits."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import UP, Board, Panel

BOARD: Final = Board(
    "gateway",
    "Discord gateway and shards",
    "The connections to Discord: shards, heartbeats, events, the REST API, and how near Discord's limits are.",
    (
        (
            Panel(
                "All shards",
                "min(discord.shard.up)",
                "Whether every chosen shard is connected and READY. Good: up.",
                "stat",
                states=UP,
            ),
            Panel(
                "Heartbeat",
                "max(discord.gateway.heartbeat.latency)",
                "Time from a heartbeat to Discord's answer, the slowest of the shards. Good: under 250 ms. High on one "
                "shard alone: its network or its event loop; on all: Discord.",
                "stat",
                limits=(0.25, 1.0),
            ),
            Panel(
                "Since the last event",
                "max(discord.gateway.last_event.age)",
                "How long ago Discord last sent anything, of the quietest shard. Good: seconds, on a busy bot. Minutes "
                "while the shard is up: connected, but deaf.",
                "stat",
                limits=(120.0, 600.0),
            ),
            Panel(
                "IDENTIFYs left",
                "min(discord.gateway.identify.remaining) / max(discord.gateway.identify.limit)",
                "Of the new sessions that Discord allows a day, what is left. Good: nearly all. At 0 the bot can't "
                "come back until the day is over, and Discord resets its token.",
                "stat",
                limits=(0.5, 0.1),
            ),
            Panel(
                "Invalid requests",
                "max(discord.http.invalid_requests)",
                "Requests that Discord refused (401, 403, 429) in the last ten minutes. Good: near 0. At 10,000 "
                "Discord bans the address for an hour or more.",
                "stat",
                limits=(500.0, 5000.0),
            ),
            Panel(
                "Guilds",
                "last(discord.shard.guilds)",
                "Guilds of the chosen shards. Good: slowly growing. A sudden fall: an outage of Discord's, or the bot "
                "was removed.",
                "stat",
            ),
        ),
        (
            Panel(
                "Shards over time",
                "min(discord.shard.up) by discord.shard.id",
                "When which shard was connected and READY. Good: one green band each.",
                "states",
                states=UP,
            ),
            Panel(
                "Heartbeat by shard",
                "max(discord.gateway.heartbeat.latency) by discord.shard.id",
                "Time from a heartbeat to Discord's answer. Good: flat, under 250 ms.",
                limits=(0.25, 1.0),
            ),
        ),
        (
            Panel(
                "Connections",
                {
                    "new sessions": "increase(discord.gateway.connects)",
                    "resumed": "increase(discord.gateway.resumes)",
                    "lost": "increase(discord.gateway.disconnects)",
                },
                "Sessions that began, were taken up again, or were lost, in each window. Good: a few a day, nearly all "
                "of them resumed. Many new sessions use up the day's IDENTIFYs.",
                "bars",
            ),
            Panel(
                "Connections lost, by close code",
                "increase(discord.gateway.disconnects) by discord.gateway.close_code",
                "Why connections were lost. Good: few, of 1000, 1001 or none. 4004: the token is wrong; 4014: an "
                "intent is not allowed; 4009: the session timed out.",
                "bars",
            ),
            Panel(
                "Events a minute",
                "rate(discord.gateway.events) by discord.event.name",
                "What Discord sends. Good: the usual mix. An event that is not there any more: an intent was taken "
                "away; a flood of one: chunking, or a raid.",
                "bars",
            ),
        ),
        (
            Panel(
                "P95 of REST requests, by method",
                "p95(discord.http.request.duration) by http.request.method",
                "Time that Discord takes for one attempt; waiting for rate limits is not in it. Good: under 500 ms.",
                limits=(0.5, 2.0),
            ),
            Panel(
                "REST requests a minute, by status",
                "rate(discord.http.request.duration) by http.response.status_code",
                "What Discord answers. Good: 2xx nearly alone. 5xx: Discord is ill; 4xx: the bot asks for what it "
                "mustn't, or too much; no status: no answer came.",
                "bars",
            ),
            Panel(
                "Rate limits and retries",
                {
                    "429": "increase(discord.http.ratelimited) by discord.ratelimit.scope",
                    "again": "increase(discord.http.retries) by discord.http.retry.reason",
                },
                "Answers with 429 by what they were for, and requests sent again by why, in each window. Good: few, "
                "all of scope user. global or cloudflare: the bot sends far too much.",
                "bars",
            ),
        ),
        (
            Panel(
                "Slowest routes",
                {
                    "P95": "p95(discord.http.request.duration) by http.request.method, url.template",
                    "requests": "increase(discord.http.request.duration) by http.request.method, url.template",
                },
                "REST routes, the slowest first. Good: uploads alone take more than a second.",
                "table",
            ),
            Panel(
                "Waited for rate limits, by route",
                {
                    "waited": "sum(discord.http.ratelimit.wait.duration) by http.request.method, url.template",
                    "times": "increase(discord.http.ratelimit.wait.duration) by http.request.method, url.template",
                },
                "How long requests waited because of rate limits, in the chosen time. Good: nothing. A route that "
                "stands here is used too much: send less, or in one message.",
                "table",
            ),
        ),
    ),
    narrowed=("shard",),
)
