"""Versions, whose bytes never change: made, found, and sent slice by slice."""
