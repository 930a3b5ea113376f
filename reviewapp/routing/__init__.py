"""The pages on which leads set which traces people review: routing rules, and the rates of the draw."""
