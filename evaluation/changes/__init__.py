"""What changed in production: detected in the data or reported, and then sampled more closely for a while."""
