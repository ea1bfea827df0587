"""`whisperwatch demo`: a watched companion bot on a loopback Discord, with real services behind it.

What it records is checked, number by number, against what its synthetic users did; see `check`.
"""
