"""Questions to the stores from a terminal: `whisperwatch query`, `logs` and `traces`."""
