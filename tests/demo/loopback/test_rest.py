"""REST, called through discord.py's own client, and by hand where discord.py would not go."""

from __future__ import annotations

import io
from collections import Counter

import aiohttp
import discord
import pytest

from whisperwatch.demo.loopback import pointing


@pytest.fixture
async def ready(server, bot):
    """A bot that has its guilds in its cache."""
    async with server.running(bot):
        await server.until(bot.is_ready)
        yield bot


@pytest.fixture
async def http(server):
    headers = {"Authorization": f"Bot {server.token}"}
    async with aiohttp.ClientSession(
        server.core.api_url.removesuffix("/api/v10"), headers=headers
    ) as session:
        yield session


@pytest.fixture
def general(ready, server):
    return ready.get_channel(server.channel("general").id)


async def test_messages_are_sent_fetched_edited_and_deleted(server, general):
    sent = await general.send("one", embed=discord.Embed(title="T"), nonce="n")
    assert sent.embeds[0].title == "T"
    fetched = await general.fetch_message(sent.id)
    assert fetched.content == "one"
    edited = await sent.edit(content="two")
    assert (edited.content, bool(edited.edited_at)) == ("two", True)
    await sent.delete()
    with pytest.raises(discord.NotFound) as error:
        await general.fetch_message(sent.id)
    assert error.value.code == 10008
    message = "/channels/{channel_id}/messages/{message_id}"
    assert server.ledger.requested(message, "GET", 404) == 1
    assert server.ledger.requested(message, "DELETE", 204) == 1


async def test_history_forwards_backwards_and_around(server, general):
    sent = [await server.user("ada").say(str(number)) for number in range(10)]
    newest = [m.content async for m in general.history(limit=3)]
    assert newest == ["9", "8", "7"]
    after = discord.Object(sent[6].id)
    assert [m.content async for m in general.history(after=after)] == ["7", "8", "9"]
    before = discord.Object(sent[2].id)
    assert [m.content async for m in general.history(before=before)] == ["1", "0"]
    around = discord.Object(sent[5].id)
    assert {m.content async for m in general.history(around=around, limit=3)} == {"4", "5", "6"}


async def test_bulk_delete(server, general):
    for number in range(3):
        await server.user("ada").say(str(number))
    assert len(await general.purge()) == 3
    assert server.core.world.history(server.channel("general")) == []


async def test_reactions_and_typing(server, general):
    message = await general.send("vote")
    await message.add_reaction("👍")
    kept = server.core.world.messages[message.id]
    assert kept.reactions == {"👍": [server.bot]}
    await server.user("ada").react(kept, "👍")
    fetched = await general.fetch_message(message.id)
    assert fetched.reactions[0].count == 2
    assert fetched.reactions[0].me
    assert {user.name async for user in fetched.reactions[0].users()} == {"loopback-bot", "ada"}
    await message.remove_reaction("👍", discord.Object(server.user("ada").id))
    await message.remove_reaction("👍", discord.Object(server.bot.id))
    assert kept.reactions == {}
    async with general.typing():
        pass
    assert server.ledger.requested("/channels/{channel_id}/typing", "POST", 204) == 1


async def test_pins(general):
    message = await general.send("important")
    await message.pin()
    pins = general.pins()
    found = [m async for m in pins] if hasattr(pins, "__aiter__") else await pins
    assert [m.id for m in found] == [message.id]
    await message.unpin()
    assert not (await general.fetch_message(message.id)).pinned


async def test_what_discord_refuses_of_a_message(general):
    with pytest.raises(discord.HTTPException) as empty:
        await general.send("")
    assert (empty.value.status, empty.value.code) == (400, 50006)
    with pytest.raises(discord.HTTPException) as long:
        await general.send("x" * 2001)
    assert (long.value.status, long.value.code) == (400, 50035)
    assert "Must be 2000 or fewer in length" in long.value.text


async def test_messages_of_others_cannot_be_edited(server, ready, general):
    said = await server.user("ada").say("mine")
    await server.until(lambda: "mine" in ready.texts)
    message = await general.fetch_message(said.id)
    with pytest.raises(discord.Forbidden) as error:
        await message.edit(content="yours")
    assert error.value.code == 50005


async def test_a_reply_to_nothing_is_refused(general):
    sent = await general.send("here")
    await sent.delete()
    with pytest.raises(discord.HTTPException, match="Unknown message"):
        await sent.reply("there?")


async def test_guild_members_roles_and_channels(server, ready):
    guild = await ready.fetch_guild(server.guild().id)
    assert (guild.name, guild.approximate_member_count) == ("guild-0", 5)
    assert {channel.name for channel in await guild.fetch_channels()} == {"general", "random", "voice"}
    assert {role.name for role in await guild.fetch_roles()} >= {"@everyone", "admin"}
    names = {member.name async for member in guild.fetch_members()}
    assert names == {"loopback-bot", "owner", "ada", "grace", "linus"}
    guild = ready.get_guild(guild.id)
    ada = await guild.fetch_member(server.user("ada").id)
    role = await guild.create_role(name="helper")
    await ada.add_roles(role)
    await server.until(lambda: guild.get_role(role.id))
    assert [r.name for r in (await guild.fetch_member(ada.id)).roles] == ["@everyone", "helper"]
    await ada.remove_roles(role)
    await ada.edit(nick="Countess")
    assert (await guild.fetch_member(ada.id)).nick == "Countess"
    with pytest.raises(discord.NotFound) as error:
        await guild.fetch_member(1)
    assert error.value.code == 10007
    channel = await guild.create_text_channel("news", topic="t")
    await channel.edit(name="olds")
    assert server.channel("olds").id == channel.id
    await channel.delete()
    with pytest.raises(LookupError):
        server.channel("olds")


async def test_users_the_application_and_direct_messages(server, ready):
    assert (await ready.fetch_user(server.user("ada").id)).name == "ada"
    info = await ready.application_info()
    assert (info.id, info.owner.name) == (server.bot.id, "owner")
    assert [guild.name async for guild in ready.fetch_guilds()] == ["guild-0"]
    user = await ready.fetch_user(server.user("ada").id)
    await user.send("psst")
    assert [m.content for m in server.core.world.history(server.user("ada").direct_channel)] == ["psst"]


async def test_attachments_stay_or_go_with_an_edit(server, general):
    sent = await general.send(
        "two files", files=[discord.File(io.BytesIO(b"a"), "a.txt"), discord.File(io.BytesIO(b"bc"), "b.txt")]
    )
    edited = await sent.edit(attachments=[sent.attachments[1]])
    assert [(a.filename, a.size) for a in edited.attachments] == [("b.txt", 2)]
    edited = await edited.add_files(discord.File(io.BytesIO(b"d"), "d.txt"))
    assert [a.filename for a in edited.attachments] == ["b.txt", "d.txt"]


async def test_webhooks_of_channels(server, general):
    hook = await general.create_webhook(name="news")
    assert [each.id for each in await general.webhooks()] == [hook.id]
    sent = await hook.send("breaking", username="Herald", wait=True)
    assert (sent.author.name, sent.content) == ("Herald", "breaking")
    await sent.edit(content="fixed")
    assert (await hook.fetch_message(sent.id)).content == "fixed"
    await hook.delete()
    with pytest.raises(discord.NotFound):
        await hook.send("anyone?")


async def test_single_commands(server, ready):
    http, app = ready.http, ready.application_id
    made = await http.upsert_global_command(app, {"name": "one", "description": "-", "type": 1})
    again = await http.upsert_global_command(app, {"name": "one", "description": "changed", "type": 1})
    assert (made["id"], again["description"]) == (again["id"], "changed")
    assert (await http.get_global_command(app, made["id"]))["name"] == "one"
    await http.edit_global_command(app, made["id"], {"description": "edited"})
    assert [c["description"] for c in await http.get_global_commands(app)] == ["edited"]
    await http.delete_global_command(app, made["id"])
    with pytest.raises(discord.NotFound) as error:
        await http.get_global_command(app, made["id"])
    assert error.value.code == 10063


async def test_unknown_routes_ids_and_bodies(server, http):
    async with http.get("/api/v10/no/such/thing") as answer:
        assert answer.status == 404
        assert await answer.json() == {"message": "404: Not Found", "code": 0}
    async with http.get("/api/v10/channels/1") as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, 10003)
    async with http.get("/api/v10/channels/general") as answer:
        assert answer.status == 400
    async with http.post(f"/api/v10/channels/{server.channel().id}/messages", data="{") as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, 50109)
    async with http.post("/api/v10/users/@me/channels", json={}) as answer:
        assert answer.status == 400
        assert "recipient_id" in await answer.text()
    async with http.get("/cdn/avatars/1.png") as answer:
        assert answer.content_type == "image/png"
    assert server.ledger.requested("unknown") == 1


async def test_without_a_token_there_is_no_entry(server):
    async with aiohttp.ClientSession() as session, session.get(f"{server.core.api_url}/users/@me") as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (401, "application/json")
        assert await answer.json() == {"message": "401: Unauthorized", "code": 0}


async def test_the_ledger_names_routes_as_discord_py_does(server, bot, monkeypatch):
    """`--check` compares the ledger with what was recorded by discord.py's own route templates."""
    from discord.http import HTTPClient
    from discord.webhook.async_ import AsyncWebhookAdapter

    asked: Counter[tuple[str, str]] = Counter()
    for owner in (HTTPClient, AsyncWebhookAdapter):
        original = owner.request

        def request(self, route, *args, original=original, **kwargs):
            asked[route.method, route.path] += 1
            return original(self, route, *args, **kwargs)

        monkeypatch.setattr(owner, "request", request)

    @bot.tree.command()
    async def show(press: discord.Interaction):
        await press.response.send_message("one")
        await (await press.original_response()).add_reaction("👍")
        await press.edit_original_response(content="two")
        await (await press.followup.send("three", wait=True)).delete()
        await press.delete_original_response()

    async with server.running(bot):
        interaction = await server.user("ada").slash("show")
        await server.until(lambda: interaction.response and interaction.response.deleted)
        guild = await bot.fetch_guild(server.guild().id)
        await guild.fetch_member(server.user("ada").id)
        await bot.tree.fetch_commands(guild=guild)
        await bot.tree.sync(guild=guild)
    seen = Counter({(m, r): n for (m, r, _), n in server.ledger.request_counts.items()})
    assert seen == asked


async def test_a_client_that_is_not_pointed_goes_elsewhere():
    from discord.http import Route

    with pointing(1):
        pass
    assert Route.BASE.startswith("https://discord.com/")


@pytest.mark.parametrize(
    ("allowed", "pinged", "everyone"),
    [
        (None, {"grace", "ada"}, True),
        (discord.AllowedMentions.none(), set(), False),
        (discord.AllowedMentions(everyone=False, users=True, replied_user=False), {"grace"}, False),
        (discord.AllowedMentions(everyone=True, users=False, replied_user=True), {"ada"}, True),
    ],
)
async def test_only_those_are_pinged_that_may_be(server, general, allowed, pinged, everyone):
    asked = await server.user("ada").say("who?")
    message = await general.fetch_message(asked.id)
    text = f"{server.user('grace').mention} and @everyone"
    sent = await message.reply(text, **({} if allowed is None else {"allowed_mentions": allowed}))
    kept = server.core.world.messages[sent.id]
    assert ({account.name for account in kept.mentions}, kept.mention_everyone) == (pinged, everyone)


async def test_a_file_is_what_was_attached(server, general):
    sent = await general.send("look", file=discord.File(io.BytesIO(b"some bytes"), "a.bin"))
    assert sent.attachments[0].size == len(b"some bytes")
    assert await sent.attachments[0].read() == b"some bytes"


@pytest.mark.parametrize(
    "buttons",
    [
        [("a", "one"), ("a", "two")],
        [("a" * 101, "one")],
        [("a", "o" * 81)],
        [(str(number), "one") for number in range(6)],
    ],
)
async def test_buttons_have_limits(server, http, buttons):
    row = {"type": 1, "components": [{"type": 2, "style": 2, "custom_id": i, "label": t} for i, t in buttons]}
    path = f"/api/v10/channels/{server.channel('general').id}/messages"
    async with http.post(path, json={"content": "x", "components": [row]}) as response:
        assert response.status == 400
        assert "components" in (await response.json())["errors"]
