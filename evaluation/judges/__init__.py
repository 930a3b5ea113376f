"""Judges: pinned, run, compared with people, and certified or not."""
