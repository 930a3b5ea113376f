"""How fast is it, and what does it cost? Measured on the real `manage.py serve`, against goals."""
