"""How a version of a judge is made: pinned, priced, and tried on a trace before it exists."""
