"""What any command needs: options, the cloud to talk to, the terminal, and exit codes."""
