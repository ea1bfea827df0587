"""What watching costs: the same bot, the same events, watched by nobody, by hand, by the alternatives and by us.

Each variant is a process of its own; the coordinator gives them rounds in turn, so that whatever else the machine does
meets all alike. Events enter as gateway JSON text where discord.py takes it from its websocket. Charged is the CPU
time of all threads of the bot's process, export and encoding included; the watcher's is told apart.
"""
