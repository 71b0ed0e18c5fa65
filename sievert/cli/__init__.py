"""The front door: one thin file a command, which only translates."""
