"""Judges that say which of two answers is the better one: asked of a queue of pairs, held against people."""
