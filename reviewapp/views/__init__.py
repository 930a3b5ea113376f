"""The pages: access, parse, one call, render."""
