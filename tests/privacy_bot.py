"""A bot that is careless with secrets and with what users say, for `test_privacy.py`."""

import json
import logging
import os
import threading
import time

import discord
from discord.ext import commands
from loguru import logger as loguru
from opentelemetry import metrics, trace
from opentelemetry.trace import Link, Status, StatusCode

import whisperwatch
from whisperwatch.bot import voyage
from whisperwatch.demo.loopback import pointing

planted = json.loads(os.environ["PLANTED"])
own_log = logging.FileHandler("ours.log")
logging.getLogger("whisperwatch").addHandler(own_log)
logging.getLogger("whisperwatch").setLevel(logging.DEBUG)
logger = logging.getLogger("bot")
tracer = trace.get_tracer("bot", attributes={"note": planted["scope"]})
bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def plant(ctx, *, text):
    counter = metrics.get_meter("bot").create_counter("planted", description=f"see {planted['metric']}")
    counter.add(1, {"note": planted["metric"]})
    logger.error("the key is %s, said %r", planted["log_argument"], text)
    logger.warning(f"{ctx.author} of {ctx.guild} said {text}: {planted['log_body']}")
    logger.warning(
        "see extra", extra={"said": text, "note": planted["log_extra"], "api_key": "plain-extra-key"}
    )
    loguru.warning("{} wrote {}, with {}", ctx.author, text, planted["loguru"])
    link = Link(trace.get_current_span().get_span_context(), {"note": f"it is {planted['link']}"})
    with tracer.start_as_current_span(f"call {planted['span_name']}", links=[link]) as span:
        span.set_attributes(
            {
                "note": f"{planted['environment']} and {planted['file']}, {planted['message']}",
                "case": planted["own_pattern"],
                "token": os.environ["DISCORD_TOKEN"],
                "login": f"with {os.environ['DISCORD_TOKEN']}",
                "connection": os.environ["DATABASE_URL"],
                "bare": f"as {planted['database_url']}",
                "db.query.text": f"INSERT INTO t VALUES ('{text}', '{planted['sql_literal']}') "
                f"-- {planted['sql_comment']}",
                "gen_ai.prompt": f"mail {planted['prompt']}",
                "http.request.header.authorization": [planted["header"]],
                "url.full": f"https://{planted['url_user']}@example.org/?access_token={planted['url_query']}&p=1",
                "hook": f"https://discord.com/api/v10/{planted['webhook']}",
                "url.path": f"/{planted['interaction']}/callback",
                "paid": planted["attribute"],
                "tokens": ["fine", planted["list"]],
                "raw": planted["bytes"].encode(),
                "exporter": os.environ["OTEL_EXPORTER_OTLP_HEADERS"],
                "user": f"<@{ctx.author.id}>",
                "user.number": ctx.author.id,
            }
        )
        span.add_event(f"got {planted['event_name']}", {"note": f"password={planted['event']}"})
        key = f"-----BEGIN PRIVATE KEY-----\n{planted['private_key']}\n-----END PRIVATE KEY-----"
        try:
            raise ValueError(f"can't save {text}: {planted['recorded_exception']} {key}")
        except ValueError as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, f"{text}, {planted['status']}"))
            logger.exception("by %s of %s in %s", ctx.author, ctx.guild, ctx.channel)
    await ctx.reply("planted")


@whisperwatch.health_check("payments")
async def payments():
    return f"it raised at {planted['check']}, {planted['environment']}"


whisperwatch.setting("OWN_SETTING", get=lambda: planted["own_setting"], set=print)


@bot.command()
async def fail(ctx, *, text):
    try:
        with tracer.start_as_current_span("the last one"):
            raise RuntimeError(f"can't save {text} of {ctx.author}: {planted['log_exception']}")
    except RuntimeError:
        logger.exception("swallowed")
    whisperwatch.security_event("login", "denied", user=ctx.author.id, target=planted["security_target"])
    whisperwatch.report_error(KeyError(f"{text}: {planted['reported_exception']}"))
    raise RuntimeError(f"{text} {ctx.guild} {planted['command_exception']}")


def tell_url():
    while not (voyage._ship and voyage._ship.welcome):
        time.sleep(0.02)
    with open("url.new", "w") as file:
        file.write(voyage._ship.welcome["url"])
    os.rename("url.new", "url")


whisperwatch.watch(bot)
threading.Thread(target=tell_url, daemon=True).start()
with pointing(int(os.environ["DISCORD_PORT"])):
    bot.run(os.environ["DISCORD_TOKEN"])
