"""Review floor: the Django project, people and their access, and the screens they work in."""
