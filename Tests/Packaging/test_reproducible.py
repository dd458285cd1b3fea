"""Two builds give the same bytes, wherever they are made.

Minutes long, since all is compiled again: run it by its name.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest

from packages import INSTALLED, ROOT, path


def digest(name):
    with open(name, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Reproducible(unittest.TestCase):
    def test_another_folder_gives_the_same_packages(self):
        with tempfile.TemporaryDirectory(prefix="elsewhere-with-a-longer-name-", dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
            for name in subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
                if name and os.path.lexists(f"{ROOT}/{name}"):
                    os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
                    shutil.copy2(f"{ROOT}/{name}", f"{folder}/{name}", follow_symlinks=False)
            # Which versions of packages are used is no matter of the folder.
            shutil.copy2(f"{ROOT}/Package.resolved", folder)
            build = {**os.environ, "FAST": "1", "TZ": "Pacific/Chatham", "LANG": "C"}
            subprocess.run([f"{folder}/scripts/deb", f"{folder}/.build"], check=True, stdin=subprocess.DEVNULL, env=build)
            for package in INSTALLED + ["pngw-dev"]:
                made = f"{folder}/.build/deb/{os.path.basename(path(package))}"
                self.assertEqual(digest(made), digest(path(package)), package)
