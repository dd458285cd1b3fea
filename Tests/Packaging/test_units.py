"""The units that are shipped, by systemd's own judgement."""

import os
import re
import subprocess
import tempfile
import unittest

from packages import ROOT

UNITS = ["pngwd.service", "cpnsd.service"]
# systemd calls up to 2 "OK"; avahi, nginx and mosquitto of Debian have 9 and more.
MOST_EXPOSURE = 1.5


class Units(unittest.TestCase):
    def test_exposure_is_low(self):
        for unit in UNITS:
            with self.subTest(unit):
                exposure = self.exposure(f"{ROOT}/systemd/{unit}")
                print(f"{unit}: exposure {exposure}", end=" ", flush=True)
                self.assertLessEqual(exposure, MOST_EXPOSURE)

    def test_a_unit_without_its_sandbox_is_exposed(self):
        """The control: the same judgement finds what is wrong."""
        with tempfile.TemporaryDirectory() as folder:
            for unit in UNITS:
                with open(f"{ROOT}/systemd/{unit}", encoding="utf-8") as file:
                    lines = [line for line in file if not re.match(r"(System|Protect|Private|Restrict|Capability|NoNew)", line)]
                with open(f"{folder}/{unit}", "w", encoding="utf-8") as file:
                    file.writelines(lines)
                self.assertGreater(self.exposure(f"{folder}/{unit}"), 5)

    def test_systemd_understands_every_line(self):
        """With programs that exist: that they do is what test_life shows."""
        with tempfile.TemporaryDirectory() as folder:
            for unit in UNITS:
                with open(f"{ROOT}/systemd/{unit}", encoding="utf-8") as file:
                    text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", file.read())
                with open(f"{folder}/{unit}", "w", encoding="utf-8") as file:
                    file.write(re.sub(r"(?m)^Documentation=.*\n", "", text))
                result = subprocess.run(
                    ["systemd-analyze", "verify", "--man=no", f"{folder}/{unit}"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
                complaints = [line for line in result.stderr.splitlines() if unit in line]
                self.assertEqual((result.returncode, complaints), (0, []))

    def exposure(self, path):
        result = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", "--no-pager", path], capture_output=True, text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, "LANG": "C.UTF-8"})
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)
        self.assertIsNotNone(found, result.stdout + result.stderr)
        return float(found[1])
