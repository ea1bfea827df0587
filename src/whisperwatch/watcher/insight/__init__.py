"""What the stores' answers mean: typed reports, which commands, terminals and programs show alike."""
