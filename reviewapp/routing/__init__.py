"""The pages on which leads say what goes before a human: routing rules, and the rates of the draw."""
