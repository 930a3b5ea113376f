"""How far reviewers agree among themselves: the ceiling for every judge."""
