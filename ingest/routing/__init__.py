"""Which traces do people review, in which queue, and why: rules over what is known of a settled trace."""
