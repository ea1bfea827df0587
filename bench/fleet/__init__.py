"""A fleet of synthetic bots through one collector: see `__main__`."""
