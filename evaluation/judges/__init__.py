"""Judges: instruments that are pinned, run, calibrated against people and certified, or not."""
