"""Charts: a report's points as a picture. Data here, drawn in a process of its own, for matplotlib is large and slow.

Nothing is imported here: the worker's process needs none of the watcher's side, nor the watcher matplotlib.
"""
