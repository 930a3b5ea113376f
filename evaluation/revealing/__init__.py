"""What the top floor adds to the review screens once a reviewer has submitted."""
