"""What discord.py does, recorded: a table of patches, applied and taken back as one."""
