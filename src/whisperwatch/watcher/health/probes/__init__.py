"""What is asked of the servers that a bot uses: by the watcher, over connections of its own, never by the bot."""
