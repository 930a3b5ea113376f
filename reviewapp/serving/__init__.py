"""How Touchstone runs: its database, its processes and their supervisor, their health and limits."""
