"""A bot in the style of many: its own logging, its own `on_command_error`, and an answer whatever the model does.

It knows nothing of Whisperwatch. For `test_zero_code.py`.
"""

import logging
import logging.config
import os

import discord
import openai
from discord.ext import commands

from whisperwatch.demo.loopback import pointing

logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": True,
        "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
        "handlers": {"file": {"class": "logging.FileHandler", "filename": "bot.log", "formatter": "plain"}},
        "loggers": {"mybot": {"level": "INFO", "handlers": ["file"], "propagate": False}},
        "root": {"level": "WARNING", "handlers": ["file"]},
    }
)
logger = logging.getLogger("mybot.brain")
bot = commands.Bot("!", intents=discord.Intents.all())
model = openai.AsyncOpenAI(
    base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ["OPENAI_API_KEY"], max_retries=0
)


async def think(text):
    """What the model says; an excuse where it says nothing."""
    try:
        answer = await model.chat.completions.create(
            model=os.environ["OPENAI_MODEL"], messages=[{"role": "user", "content": text}]
        )
        return answer.choices[0].message.content
    except openai.OpenAIError as error:
        logger.error("Error generating a response: %s", error)
        return "Something went wrong."


@bot.event
async def on_message(message):
    if message.author.bot:
        return
    if message.content.startswith("!"):
        await bot.process_commands(message)
        return
    logger.info("answering in %s", message.channel.id)
    await message.reply(await think(message.content))


@bot.command()
async def ask(ctx, *, text):
    await ctx.reply(await think(text))


@bot.command()
async def quiet(ctx, *, text):
    """Swallows what went wrong without a word in the log."""
    try:
        await model.chat.completions.create(
            model=os.environ["OPENAI_MODEL"], messages=[{"role": "user", "content": text}]
        )
    except Exception:
        await ctx.reply("Hm.")
    else:
        await ctx.reply("Yes.")


@bot.command()
async def broken(ctx):
    raise RuntimeError("a bug of the bot's own")


@bot.event
async def on_command_error(ctx, error):
    if isinstance(error, commands.CommandNotFound):
        return
    logger.error("Command failed: %s", error, exc_info=error)
    await ctx.reply("Something went wrong with that command.")


with pointing(int(os.environ["DISCORD_PORT"])):
    bot.run(os.environ["DISCORD_TOKEN"], log_handler=None)
