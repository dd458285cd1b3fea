"""Documents, manual pages and scripts."""

import os
import re
import shutil
import subprocess

from .sources import tracked

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def links_lead_somewhere():
    findings = []
    for path in tracked("*.md"):
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                for target in LINK.findall(line):
                    if "://" not in target and not os.path.exists(os.path.join(os.path.dirname(path), target)):
                        findings.append(f"{path}:{number}: link to {target}: expected a file that is there")
    return findings


def manual_pages_are_well_formed():
    if shutil.which("mandoc") is None:
        return []
    result = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *tracked("packaging/man/*")], capture_output=True, text=True)
    return (result.stdout + result.stderr).splitlines()


def scripts_are_well_formed():
    findings = []
    for path in tracked("scripts", "Tests", "Benchmarks", ".ci", "packaging"):
        if not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            first = file.readline()
        if path.endswith(".py") or (first.startswith(b"#!") and b"python" in first):
            try:
                with open(path, encoding="utf-8") as file:
                    compile(file.read(), path, "exec")
            except SyntaxError as error:
                findings.append(f"{path}:{error.lineno}: {error.msg}")
        elif first.startswith(b"#!") and b"sh" in first:
            result = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
            findings += result.stderr.splitlines()
        # debhelper makes those of packages executable.
        if first.startswith(b"#!") and not os.access(path, os.X_OK) and not path.startswith("packaging/debian/"):
            findings.append(f"{path}:1: begins with #! and can't be run: expected mode 755")
    return findings


RULES = [
    ("links in documents lead somewhere", links_lead_somewhere),
    ("manual pages are well formed", manual_pages_are_well_formed),
    ("scripts are well formed", scripts_are_well_formed),
]
