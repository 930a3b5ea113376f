"""Which traces go before a human, into which queue, and why: rules over what is known of a settled trace."""
