"""The architectures and their weights files."""
