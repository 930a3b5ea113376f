"""What the pages of the online checks show: rates, slices, examples, and the form of one check."""
