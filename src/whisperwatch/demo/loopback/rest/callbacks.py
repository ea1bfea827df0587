"""Interaction callbacks: the initial response, due within three seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from whisperwatch.demo.loopback.errors import already_answered, invalid_form, unknown
from whisperwatch.demo.loopback.interactions import TYPES, Interaction
from whisperwatch.demo.loopback.messages import EPHEMERAL, LOADING, Message
from whisperwatch.demo.loopback.rest.calls import Call, Created, Routes
from whisperwatch.demo.loopback.wire import JSON

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.core import Core

routes = Routes()


@routes("POST", "/interactions/{webhook_id}/{webhook_token}/callback", open=True, limited=False)
async def respond(call: Call) -> object:
    core = call.core
    interaction = core.interactions.get(call.text("webhook_token"))
    body = await call.body()
    if interaction is None or interaction.id != call.id("webhook_id"):
        raise unknown("Interaction")
    if interaction.answered_at is not None:
        raise already_answered()
    if time.time() - interaction.sent_at > core.answer_deadline:
        interaction.late = True
        raise unknown("Interaction")
    answer = _ANSWERS.get(body.get("type"))
    if answer is None:
        raise invalid_form("type", "BASE_TYPE_CHOICES", "Value must be one of {1, 4, 5, 6, 7, 8, 9, 10, 12}.")
    answer(core, interaction, body.get("data") or {})
    interaction.answer(body["type"])
    core.ledger.touch()
    if call.query.get("with_response") in ("1", "true"):
        return Created(_response(interaction), 200)
    return None


def _pong(core: Core, interaction: Interaction, data: JSON) -> None:
    """Nothing but the acknowledgement."""


def _message(core: Core, interaction: Interaction, data: JSON) -> None:
    interaction.response = core.post(interaction.channel, core.world.bot, data, **_facts(interaction))


def _deferred_message(core: Core, interaction: Interaction, data: JSON) -> None:
    flags = int(data.get("flags") or 0) & EPHEMERAL | LOADING
    _message(core, interaction, {"flags": flags})


def _deferred_update(core: Core, interaction: Interaction, data: JSON) -> None:
    interaction.response = _message_of(interaction)


def _update(core: Core, interaction: Interaction, data: JSON) -> None:
    interaction.response = _message_of(interaction)
    core.edit(interaction.response, data)
    interaction.updated = True
    interaction.replied()


def _choices(core: Core, interaction: Interaction, data: JSON) -> None:
    interaction.choices = data.get("choices", [])


def _modal(core: Core, interaction: Interaction, data: JSON) -> None:
    if interaction.kind == "modal":
        raise invalid_form("type", "INTERACTION_INVALID_TYPE", "A modal can't be answered with a modal.")
    interaction.modal = data


_ANSWERS: dict[int, Callable[[Core, Interaction, JSON], None]] = {
    1: _pong, 4: _message, 5: _deferred_message, 6: _deferred_update, 7: _update, 8: _choices, 9: _modal,
}  # fmt: skip


def _message_of(interaction: Interaction) -> Message:
    if interaction.message is None:
        raise invalid_form("type", "INTERACTION_INVALID_TYPE", "There is no message to update.")
    return interaction.message


def _facts(interaction: Interaction) -> dict[str, object]:
    return {"interaction": interaction, "webhook_id": interaction.application_id}


def _response(interaction: Interaction) -> JSON:
    told: JSON = {"id": str(interaction.id), "type": TYPES[interaction.kind]}
    resource: JSON = {"type": interaction.answer_type}
    message = interaction.response
    if message is not None:
        told |= {
            "response_message_id": str(message.id),
            "response_message_loading": message.loading,
            "response_message_ephemeral": message.ephemeral,
        }
        if interaction.answer_type in (4, 5, 7):
            resource["message"] = message.payload()
    return {"interaction": told, "resource": resource}
