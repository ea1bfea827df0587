"""A loopback Discord: gateway and REST over real sockets on 127.0.0.1, for real, unmodified discord.py bots."""

from whisperwatch.demo.loopback.application import Teammate
from whisperwatch.demo.loopback.frames import Frames
from whisperwatch.demo.loopback.gateway import GatewaySettings
from whisperwatch.demo.loopback.interactions import Interaction
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.people import Person
from whisperwatch.demo.loopback.pointing import pointing
from whisperwatch.demo.loopback.ratelimits import Limit, Limits
from whisperwatch.demo.loopback.server import LoopbackDiscord
from whisperwatch.demo.loopback.world import GuildPlan

__all__ = [
    "Frames",
    "GatewaySettings",
    "GuildPlan",
    "Interaction",
    "Limit",
    "Limits",
    "LoopbackDiscord",
    "Message",
    "Person",
    "Teammate",
    "pointing",
]
