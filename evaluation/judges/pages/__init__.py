"""What leads see of judges: forms, composed contents, and the views behind their addresses."""
