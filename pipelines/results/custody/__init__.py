"""What is done with a key store: list, share, revoke, rotate, erase, export. Each can be killed and run again."""
