"""The packages that are tested."""

import glob
import os
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRATCH = os.path.abspath(os.environ.get("SCRATCH", f"{ROOT}/.build"))
FOLDER = os.environ.get("PNGW_DEBS", f"{SCRATCH}/deb")
# What a machine of the field has; pngw-dev is for other machines.
INSTALLED = ["pngw", "cpns-server", "pne"]


def path(name):
    found = glob.glob(f"{FOLDER}/{name}_*.deb")
    if len(found) != 1:
        raise RuntimeError(f"{FOLDER} has {len(found)} packages {name}: expected one; scripts/deb builds it")
    return found[0]


def output(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def field(package, name):
    return output("dpkg-deb", "-f", path(package), name).strip()


def contents(package):
    """Path → (mode, owner) of what is not a folder; of links, where they lead is left out."""
    found = {}
    for line in output("dpkg-deb", "-c", path(package)).splitlines():
        mode, owner, _, _, _, name = line.split(maxsplit=5)
        if not mode.startswith("d"):
            found[name.split(" -> ")[0].removeprefix(".")] = (mode, owner)
    return found


def newer(package, folder, version):
    """The same package under a higher version, with one more line in each of its configuration files.

    The programs are the same ones: another build of them would take minutes, and dpkg does not look at them.
    """
    with tempfile.TemporaryDirectory(dir=folder) as tree:
        # An empty folder of ours has mode 0700, and would be the package's root.
        os.chmod(tree, 0o755)
        subprocess.run(["dpkg-deb", "-R", path(package), tree], check=True)
        control = f"{tree}/DEBIAN/control"
        with open(control, encoding="utf-8") as file:
            lines = [f"Version: {version}\n" if line.startswith("Version:") else line for line in file]
        with open(control, "w", encoding="utf-8") as file:
            file.writelines(lines)
        for sample in glob.glob(f"{tree}/etc/*/*.toml"):
            with open(sample, "a", encoding="utf-8") as file:
                file.write("\n# The newer version has something to add.\n")
        made = f"{folder}/{package}_{version}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, made], check=True, stdout=subprocess.DEVNULL)
        return made

