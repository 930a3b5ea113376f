"""What changed in production: found in the data or told, and looked at more closely for a while."""
