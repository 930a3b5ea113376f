"""What the reviewer's screen tells and takes: pure composition, the writes are in `reviewapp.review`."""
