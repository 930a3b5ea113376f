"""The cases as they are now: written by one function, proposed from confirmed failures, compared with what was published."""
