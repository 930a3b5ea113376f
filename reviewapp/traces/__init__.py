"""What the trace explorer and the page of a trace show; the views only ask and render."""
