"""The engines that answer from the embedded store."""
