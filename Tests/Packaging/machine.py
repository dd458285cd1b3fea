"""A machine with systemd: a Debian in a container, with a LAN of its own that nobody else is on.

Nothing of it is known to the systemd, the users or the network of the machine that it runs on. It ends with its test, whatever
happens.
"""

import os
import shutil
import subprocess
import tempfile
import time
import zlib

from packages import SCRATCH

WORK = f"{SCRATCH}/packaging"
# What the packages depend on, so that they are installed without a network; what they recommend; and what the tests look with.
INCLUDED = [
    "avahi-daemon", "dbus", "iproute2", "libavahi-client3", "libexpat1", "libqrencode4", "libsqlite3-0", "libssl3", "libstdc++6",
    "libsystemd0", "libupnp13", "passwd", "procps", "systemd", "systemd-sysv",
]
# An interface with an address, as a board has one; the other end of the cable is in the same machine.
LAN = """[Unit]
DefaultDependencies=no
Before=network-pre.target
Wants=network-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip link add lan0 type veth peer name far0
ExecStart=ip address add 192.0.2.1/24 dev lan0
ExecStart=ip link set far0 up
ExecStart=ip link set lan0 up
[Install]
WantedBy=sysinit.target
"""


class Failure(Exception):
    pass


def until(what, condition, seconds=30):
    """Waits until `condition()` gives something true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        # What is waited for is in another machine, and tells nobody.
        time.sleep(0.1)


def base():
    """A Debian of this machine's release and mirrors, as a tar file; made once."""
    # Another list of packages is another file.
    made = f"{WORK}/base-{zlib.crc32(' '.join(INCLUDED).encode()):08x}.tar"
    if os.path.exists(made):
        return made
    if missing := [tool for tool in ("mmdebstrap", "systemd-nspawn", "nsenter") if not shutil.which(tool)]:
        raise Failure(f"missing: {', '.join(missing)}; install mmdebstrap, systemd-container and util-linux")
    os.makedirs(WORK, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        settings = subprocess.run(["apt-config", "dump", "Acquire"], check=True, capture_output=True, text=True).stdout
        with open(f"{folder}/apt.conf", "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in settings.splitlines() if '""' not in line)
        new = f"{folder}/base.tar"
        words = ["mmdebstrap", "--variant=essential", f"--aptopt={folder}/apt.conf", f"--include={','.join(INCLUDED)}", "", new]
        subprocess.run(words + sources(), check=True, stdin=subprocess.DEVNULL)
        os.rename(new, made)
    return made


def sources():
    """Files that say where this machine gets its packages."""
    folder = "/etc/apt/sources.list.d"
    found = [f"{folder}/{name}" for name in sorted(os.listdir(folder)) if name.endswith((".sources", ".list"))]
    plain = "/etc/apt/sources.list"
    return found + ([plain] if os.path.exists(plain) and os.path.getsize(plain) else [])


class Machine:
    def __init__(self):
        if os.geteuid() != 0:
            raise Failure("root's rights are needed for a container")
        made = base()
        self.root = tempfile.mkdtemp(prefix="machine-", dir=WORK)
        self.process = None
        self.leader = None
        subprocess.run(["tar", "-xf", made, "-C", self.root], check=True)
        self.write("/etc/hostname", "board\n")
        self.write("/etc/systemd/system/lan.service", LAN)
        os.makedirs(f"{self.root}/etc/systemd/system/sysinit.target.wants", exist_ok=True)
        os.symlink("../lan.service", f"{self.root}/etc/systemd/system/sysinit.target.wants/lan.service")

    # MARK: Files

    def write(self, path, text, mode="w"):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        with open(self.root + path, mode, encoding=None if "b" in mode else "utf-8") as file:
            file.write(text)

    def read(self, path):
        with open(self.root + path, "rb") as file:
            return file.read()

    def exists(self, path):
        return os.path.lexists(self.root + path)

    # MARK: Power

    def boot(self):
        """Returns when all services have started."""
        # Should this process be killed, then so is the container.
        words = ["setpriv", "--pdeathsig", "KILL", "systemd-nspawn", "-q", "-D", self.root, "--register=no", "--keep-unit",
                 "--private-network", "--resolv-conf=off", "--timezone=off", "-b"]
        with open(f"{WORK}/console.log", "wb") as console:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)
        until(lambda: f"the machine is up: {self.state()}", lambda: self.state() in ("running", "degraded"), 120)

    def state(self):
        for child in self._children():
            self.leader = child
            result = self.run("systemctl", "is-system-running", check=False)
            if result.stdout.strip():
                return result.stdout.strip()
        return "no systemd yet" if self.process.poll() is None else f"ended with status {self.process.returncode}"

    def _children(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
                return file.read().split()
        except OSError:
            return []

    def reboot(self):
        # The connection goes with the machine: that is no failure.
        self.run("systemctl", "reboot", check=False)
        self.process.wait(90)
        self.boot()

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    # MARK: Commands

    def run(self, *words, user=None, check=True, timeout=120):
        """Runs a command in it, as root or as `user`."""
        inside = ["nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd=/"]
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        if user == "nobody":
            become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        result = subprocess.run(
            inside + clean + become + list(words), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout)
        if check and result.returncode != 0:
            raise Failure(f"{' '.join(words)}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def says(self, *words, user=None):
        return self.run(*words, user=user).stdout.strip()

    def property(self, unit, name):
        return self.says("systemctl", "show", "-P", name, unit)

    def journal(self, unit):
        return self.says("journalctl", "-b", "-o", "cat", "-u", unit)
