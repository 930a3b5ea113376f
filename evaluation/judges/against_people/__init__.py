"""What a judge said and what people said of the same traces: pairs, counts and their breakdowns."""
