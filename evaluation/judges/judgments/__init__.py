"""What is to be judged, who asks for it, and what comes of each attempt: rows, until they are final."""
