"""pytest runs the recipe, and its JUnit file is uploaded."""

import os
import subprocess
import sys

import served

recipe = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recipe.py")
done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull,
                       "--rootdir", ".", recipe, "--junitxml=junit.xml"])  # fmt: skip
assert done.returncode == 1
served.upload("junit.xml", "junit", "application/xml")
