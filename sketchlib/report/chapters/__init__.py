"""What single chapters measure, decide and show: one subject a file, each of one chapter or two."""
