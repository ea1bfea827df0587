"""What the project is built and kept with; nothing of it is in the package."""
