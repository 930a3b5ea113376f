"""How a version of a judge comes to be: pinned, costed, and tried on a trace before it is there."""
