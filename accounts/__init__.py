"""Who may see what, and who tells us: users, accounts, tokens, sources."""
