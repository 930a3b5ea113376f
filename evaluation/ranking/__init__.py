"""Which waiting item most likely fails? Learned from labels, in the background."""
