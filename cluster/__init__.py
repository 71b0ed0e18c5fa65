"""Where work runs: local and remote Ray sessions, and what this machine has."""
