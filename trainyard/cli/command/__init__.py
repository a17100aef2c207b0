"""What any command needs: options, the project's folder, the cloud to talk to, the terminal, and exit codes."""
