"""Errors, also those that a bot swallows: what counts as one, of which kind, and on which message's trace."""
