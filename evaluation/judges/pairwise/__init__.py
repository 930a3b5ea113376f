"""Judges that say which of two answers is better: run on a queue of pairs, compared with people."""
