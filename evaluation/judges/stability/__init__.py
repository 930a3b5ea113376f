"""Does a judge answer as it did? Frozen traces that it is asked about again and again."""
