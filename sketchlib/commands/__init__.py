"""The command line, a file a group of commands. Each command is a few lines that call the library, which is imported when it runs."""
