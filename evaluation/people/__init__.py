"""People among themselves: how far reviewers agree, which no judge can be held above."""
