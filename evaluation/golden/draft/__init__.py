"""The cases as they are now: written by one function, proposed from failures, compared with versions."""
