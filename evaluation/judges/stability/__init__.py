"""Does a judge still answer as it did? Frozen traces that it judges again and again."""
