"""The command line: `main`, a module per command, and in the folders what several commands share."""
