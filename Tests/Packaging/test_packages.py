"""What the packages hold, without installing them."""

import os
import shutil
import subprocess
import tempfile
import unittest

import packages
from packages import INSTALLED, contents, field, output, path

PROGRAMS = {"pngw": "/usr/lib/pngw/pngw", "cpns-server": "/usr/bin/cpnsd", "pne": "/usr/bin/pne"}
# A program with a static Swift runtime, stripped; the sum of Foundation and a half more would show that all of it came in.
MOST_MEGABYTES = 30


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for name in INSTALLED + ["pngw-dev"]:
            subprocess.run(["dpkg-deb", "-x", path(name), f"{cls.folder}/{name}"], check=True)

    def program(self, package):
        return self.folder + "/" + package + PROGRAMS[package]

    def test_each_has_its_programs_pages_and_completions(self):
        expected = {
            "pngw": ["/usr/bin/pngwd", "/usr/bin/pngwctl", "/usr/share/man/man8/pngwd.8.gz", "/usr/share/man/man1/pngwctl.1.gz",
                     "/usr/share/man/man5/pngw.toml.5.gz", "/usr/share/bash-completion/completions/pngwctl",
                     "/usr/share/zsh/vendor-completions/_pngwctl", "/usr/share/fish/vendor_completions.d/pngwctl.fish",
                     "/usr/lib/sysusers.d/pngw.conf", "/usr/lib/tmpfiles.d/pngw.conf", "/lib/systemd/system/pngwd.service"],
            "cpns-server": ["/usr/bin/cpnsd", "/usr/share/man/man8/cpnsd.8.gz", "/usr/share/man/man5/cpnsd.toml.5.gz",
                            "/usr/share/bash-completion/completions/cpnsd", "/usr/lib/sysusers.d/cpns-server.conf",
                            "/usr/lib/tmpfiles.d/cpns-server.conf", "/lib/systemd/system/cpnsd.service"],
            "pne": ["/usr/bin/pne", "/usr/share/man/man1/pne.1.gz", "/usr/share/bash-completion/completions/pne"],
            "pngw-dev": ["/usr/share/pngw/proto/cpns/v1/envelope.proto"],
        }
        for package, files in expected.items():
            missing = [name for name in files if name not in contents(package) and f"/usr{name}" not in contents(package)]
            self.assertEqual(missing, [], package)

    def test_the_protocol_files_are_all_there(self):
        ours = sorted(os.listdir(f"{packages.ROOT}/proto/cpns/v1"))
        self.assertEqual(sorted(os.listdir(f"{self.folder}/pngw-dev/usr/share/pngw/proto/cpns/v1")), ours)

    def test_settings_are_conffiles_and_nothing_else_is(self):
        for package, files in {"pngw": ["/etc/pngw/pngw.toml"], "cpns-server": ["/etc/cpnsd/cpnsd.toml"], "pne": []}.items():
            control = output("dpkg-deb", "-I", path(package))
            listed = output("dpkg-deb", "-I", path(package), "conffiles").split() if " conffiles" in control else []
            self.assertEqual(listed, files)

    def test_all_belongs_to_root_and_nothing_is_writable_by_others_or_setuid(self):
        for package in INSTALLED + ["pngw-dev"]:
            for name, (mode, owner) in contents(package).items():
                self.assertEqual(owner, "root/root", name)
                if not mode.startswith("l"):
                    self.assertIn(mode, ("-rw-r--r--", "-rwxr-xr-x"), name)

    def test_programs_are_hardened_stripped_and_small(self):
        for package in PROGRAMS:
            with self.subTest(package):
                program = self.program(package)
                dynamic = output("readelf", "-d", "-W", program)
                self.assertIn("NOW PIE", dynamic)
                self.assertNotRegex(dynamic, "RPATH|RUNPATH|libswift|libFoundation")
                self.assertIn("GNU_RELRO", output("readelf", "-l", "-W", program))
                self.assertNotIn(".symtab", output("readelf", "-S", "-W", program))
                size = os.path.getsize(program) / 1e6
                print(f"{package}: {size:.1f} MB, package {os.path.getsize(path(package)) / 1e6:.1f}", end=" ", flush=True)
                self.assertLess(size, MOST_MEGABYTES)

    def test_nothing_tells_where_it_was_built(self):
        """Two folders could not give the same bytes otherwise."""
        for package in PROGRAMS:
            with open(self.program(package), "rb") as file:
                self.assertNotIn(packages.ROOT.encode() + b"/", file.read(), package)

    def test_bash_completes_each_program(self):
        for package, program, word in [("pngw", "pngwctl", "delivery"), ("cpns-server", "cpnsd", "claim"), ("pne", "pne", "version")]:
            script = f"{self.folder}/{package}/usr/share/bash-completion/completions/{program}"
            line = f"{program} {word[:4]}"
            ask = (f"source {script}; how=$(complete -p {program}); how=${{how##*-F }}; COMP_WORDS=({line}); COMP_CWORD=1; "
                   f"COMP_LINE='{line}'; COMP_POINT={len(line)}; ${{how%% *}} {program} {word[:4]} {program}; echo ${{COMPREPLY[@]}}")
            self.assertIn(word, output("bash", "-c", ask).split(), program)

    def test_what_is_needed_is_named(self):
        for package, libraries in {"pngw": ["libssl3", "libsqlite3-0", "libavahi-client3"], "cpns-server": ["libssl3", "libsqlite3-0"],
                                   "pne": ["libssl3", "libavahi-client3"]}.items():
            for library in libraries:
                self.assertIn(library, field(package, "Depends"))
        self.assertIn("avahi-daemon", field("pngw", "Recommends"))

    def test_lintian_finds_nothing(self):
        result = subprocess.run(
            ["lintian", "--fail-on", "error,warning"] + [path(name) for name in INSTALLED + ["pngw-dev"]], capture_output=True, text=True,
            stdin=subprocess.DEVNULL)
        self.assertEqual((result.returncode, result.stdout), (0, ""), result.stderr)

    def test_versions_are_the_programs(self):
        for package, words in {"cpns-server": ["version"], "pne": ["version"]}.items():
            said = output(self.program(package), *words)
            self.assertIn(field(package, "Version").split("~")[0].split("+")[0], said)
