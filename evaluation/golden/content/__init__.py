"""What a golden case is as text: its line, its assertions, and every format it is read and written in."""
