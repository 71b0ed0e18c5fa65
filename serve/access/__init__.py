"""Who may do what: tokens, keys, roles, sessions, limits. Knows nothing of Ray."""
