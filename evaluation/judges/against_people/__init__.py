"""What a judge said beside what people said of the same traces: pairs, counts and their breakdowns."""
