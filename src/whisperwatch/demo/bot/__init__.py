"""The demo's bot: a companion that chats, remembers and keeps notes, built as such bots are built.

It is also our example of a user's bot. The one line that has it watched is in `__main__`.
"""
