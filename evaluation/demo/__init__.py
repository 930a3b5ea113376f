"""The top floor's part of the demo's story: golden versions and the history of CI."""
