"""The life of a board with the packages: from the first install to the purge.

Each test goes on where the one before it ended; in this order they are one story.
"""

import glob
import json
import os
import re
import shutil
import tempfile
import unittest

import packages
from machine import WORK, Machine, until
from packages import INSTALLED

# An element of this machine, as its owner would set it up.
KITCHEN = """[Unit]
After=network-online.target
[Service]
ExecStart=/usr/bin/pne run --state /var/lib/kitchen --name Kitchen {pair}
User=carol
StateDirectory=kitchen
Restart=on-failure
RestartSec=1
[Install]
WantedBy=multi-user.target
"""
# The ports of the sample files; of TCP.
DECLARED = {("tcp", "*:7420", "cpnsd"), ("tcp", "127.0.0.1:7443", "cpnsd"), ("tcp", "*:7421", "pngwd"), ("tcp", "0.0.0.0:7422", "pngwd")}
# What a machine writes by itself, whatever is installed.
RESTLESS = re.compile(
    r"/(dev|proc|run|sys|tmp|var/tmp|var/log|var/cache|var/lib/dpkg|root|home|srv)(/|$)|/var/lib/systemd/(random-seed|catalog|timers|timesync)"
    r"|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|/etc/\.(pwd|updated)|/var/\.updated")


class Life(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="newer-", dir=os.makedirs(WORK, exist_ok=True) or WORK)
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.end)
        cls.machine.boot()
        for name, groups in {"alice": ["-G", "users"], "bob": [], "carol": []}.items():
            cls.machine.run("useradd", "-m", *groups, name)
        cls.debs = {name: [packages.path(name)] for name in INSTALLED}
        for name in INSTALLED:
            shutil.copy(packages.path(name), f"{cls.machine.root}/srv/")
            newer = packages.newer(name, cls.folder, packages.field(name, "Version") + "+1")
            shutil.move(newer, f"{cls.machine.root}/srv/newer-{name}.deb")
        cls.pushed = 0  # files, each with a name of its own

    # MARK: What is looked at

    def install(self, *files):
        """As an unattended upgrade does: settings that were edited stay."""
        return self.machine.run("dpkg", "-i", "--force-confdef", "--force-confold", *files, timeout=300)

    def these(self):
        return [f"/srv/{os.path.basename(packages.path(name))}" for name in INSTALLED]

    def newer(self):
        return [f"/srv/newer-{name}.deb" for name in INSTALLED]

    def status(self):
        result = self.machine.run("pngwctl", "status", "--json", check=False)
        return json.loads(result.stdout) if result.returncode == 0 else {"error": result.stderr, "uplink": {}, "elements": {}}

    def kitchen(self):
        for entry in json.loads(self.machine.says("pngwctl", "pne", "list", "--json"))["pnes"]:
            if entry["name"] == "Kitchen":
                return entry
        return {"availability": "unknown"}

    def assert_running(self):
        for unit in ("pngwd", "cpnsd"):
            until(lambda: f"{unit} is active\n{self.machine.journal(unit)}", lambda: self.machine.property(unit, "ActiveState") == "active")
            self.assertEqual(self.machine.says("systemctl", "is-enabled", unit), "enabled")

    def assert_all_is_well(self):
        """Both daemons run, the uplink stands, and the element in the kitchen is there."""
        self.assert_running()
        until(lambda: f"the uplink stands: {self.status()}\n{self.machine.journal('pngwd')}", lambda: self.status()["uplink"].get("state") == "connected")
        until(lambda: f"Kitchen is online: {self.kitchen()}\n{self.machine.journal('kitchen')}", lambda: self.kitchen()["availability"] == "online")

    def assert_push(self, user=None):
        """A file arrives with all its bytes."""
        type(self).pushed += 1
        name, data = f"picture-{self.pushed}.bin", os.urandom(300_000)
        self.machine.write(f"/srv/{name}", data, "wb")
        self.machine.run("pngwctl", "push", f"/srv/{name}", "Kitchen", "--type", "application/octet-stream", user=user)
        self.assertEqual(self.machine.read(f"/var/lib/kitchen/inbox/{name}"), data)

    def main_process(self, unit):
        return int(self.machine.property(unit, "MainPID"))

    def tree(self):
        """Every path of the machine that is not restless, with the line of each user and group."""
        found = set()
        for folder, folders, files in os.walk(self.machine.root):
            inside = folder.removeprefix(self.machine.root)
            folders[:] = [name for name in folders if not RESTLESS.match(f"{inside}/{name}")]
            found |= {path for name in folders + files if not RESTLESS.match(path := f"{inside}/{name}")}
        return found

    def owned(self, user):
        """What belongs to a user, anywhere."""
        number = int(self.machine.says("id", "-u", user))
        found = []
        for folder, folders, files in os.walk(self.machine.root):
            found += [path for name in folders + files if os.lstat(path := f"{folder}/{name}").st_uid == number]
        return found

    # MARK: The story

    def test_01_installed_it_runs(self):
        type(self).before = self.tree()
        self.install(*self.these())
        self.assert_running()
        self.assertEqual(self.machine.state(), "running")
        for unit in ("pngwd", "cpnsd"):
            self.assertEqual(self.machine.property(unit, "NRestarts"), "0", self.machine.journal(unit))
            # What the sandbox takes away is nothing that they miss. A container can't grant LimitNICE=, as a machine does.
            said = [line for line in self.machine.journal(unit).splitlines() if "thread priority" not in line]
            self.assertNotRegex("\n".join(said), "(?i)not permitted|denied|errno|cannot|failed")

    def test_02_files_belong_to_who_should_have_them(self):
        for path, expected in {
            "/etc/pngw/pngw.toml": "640 root pngw", "/etc/cpnsd/cpnsd.toml": "640 root cpnsd", "/var/lib/pngw": "700 pngw pngw",
            "/var/lib/cpnsd": "700 cpnsd cpnsd", "/run/pngw": "755 pngw pngw", "/run/pngw/admin.sock": "666 pngw pngw",
            "/var/lib/pngw/pngw.db": "600 pngw pngw", "/var/lib/cpnsd/cpnsd.db": "600 cpnsd cpnsd",
            "/var/lib/cpnsd/api-token": "600 cpnsd cpnsd", "/var/lib/cpnsd/anchor-key.pem": "600 cpnsd cpnsd",
        }.items():
            self.assertEqual(self.machine.says("stat", "-c", "%a %U %G", path), expected, path)

    def test_03_the_network_sees_what_is_declared_and_nothing_else(self):
        """The worker of the LAN's only interface is up, in the sandbox of its unit."""
        def up():
            return [each for each in self.status().get("interfaces", []) if each["name"] == "lan0" and each["up"]]
        until(lambda: f"the worker of lan0 is up: {self.status()}\n{self.machine.journal('pngwd')}", up)
        found = set()
        for line in self.machine.says("ss", "-Hlntup").splitlines():
            kind, _, _, _, local, _, process = line.split(maxsplit=6)
            if "avahi" not in process:
                found.add((kind, local, re.search(r'"([^"]+)"', process)[1]))
        self.assertEqual({each for each in found if each[2] != "pngw-upnp"}, DECLARED)
        # The worker listens to its LAN, and to itself.
        elsewhere = [each for each in found - DECLARED if "%lan0:" not in each[1] and not each[1].startswith("127.0.0.1:")]
        self.assertEqual(elsewhere, [])

    def test_04_who_may_look_is_decided_by_groups(self):
        self.machine.run("usermod", "-aG", "pngw-viewer", "alice")
        self.machine.run("usermod", "-aG", "pngw-operator", "bob")
        self.assertIn("uplink", self.machine.says("pngwctl", "status", "--json"))
        self.assertIn("uplink", self.machine.says("pngwctl", "status", "--json", user="alice"))
        refused = self.machine.run("pngwctl", "status", user="nobody", check=False)
        self.assertEqual(refused.returncode, 1, refused)
        self.assertIn("pngw-viewer", refused.stderr)
        self.assertEqual(self.machine.run("pngwctl", "pair", "--no-wait", user="alice", check=False).returncode, 1)
        self.assertEqual(self.machine.run("pngwctl", "enrol", "AAAA@127.0.0.1:7420", user="bob", check=False).returncode, 1)
        for user in ("nobody", "alice", "bob"):
            self.assertNotEqual(self.machine.run("cat", "/etc/pngw/pngw.toml", user=user, check=False).returncode, 0)

    def test_05_enrolled_with_the_server_beside_it(self):
        claim = self.machine.says("cpnsd", "claim", "new")
        self.machine.run("pngwctl", "enrol", f"{claim}@127.0.0.1:7420")
        until(lambda: f"the uplink stands: {self.status()}", lambda: self.status()["uplink"].get("state") == "connected")
        self.assertEqual(self.machine.says("stat", "-c", "%a %U", "/var/lib/pngw/key.pem"), "600 pngw")
        # As root beside the daemon: what it wrote is still the daemon's.
        self.assertEqual([path for path in glob.glob(f"{self.machine.root}/var/lib/cpnsd/*") if os.stat(path).st_uid == 0], [])

    def test_06_an_element_finds_the_gateway_and_pairs(self):
        code = json.loads(self.machine.says("pngwctl", "pair", "--no-wait", "--json", user="bob"))["code"]
        self.machine.write("/etc/systemd/system/kitchen.service", KITCHEN.format(pair=f"--pair {code}"))
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "enable", "--now", "kitchen")
        self.assert_all_is_well()
        # The code is of no use any more.
        self.machine.write("/etc/systemd/system/kitchen.service", KITCHEN.format(pair=""))
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "restart", "kitchen")
        self.assert_all_is_well()

    def test_07_a_push_arrives(self):
        self.assert_push()
        self.assert_push(user="bob")

    def test_08_settings_are_edited(self):
        text = self.machine.read("/etc/pngw/pngw.toml").decode()
        self.machine.write("/etc/pngw/pngw.toml", text.replace('#name = "pngw"', 'name = "Attic"'))
        self.machine.run("systemctl", "restart", "pngwd")
        self.assert_all_is_well()
        self.assertEqual(self.status()["name"], "Attic")

    def test_09_reinstalled_it_goes_on(self):
        earlier = self.main_process("pngwd")
        self.install(*self.these())
        self.assert_all_is_well()
        self.assertEqual(self.status()["name"], "Attic")
        self.assertNotEqual(self.main_process("pngwd"), earlier)
        self.assert_push()

    def test_10_upgraded_it_runs_the_new_version_with_the_old_settings(self):
        self.install(*self.newer())
        self.assert_all_is_well()
        for unit in ("pngwd", "cpnsd"):
            program = self.machine.says("readlink", f"/proc/{self.main_process(unit)}/exe")
            self.assertNotIn("deleted", program)
        for name in INSTALLED:
            self.assertTrue(self.machine.says("dpkg-query", "-W", "-f", "${Version}", name).endswith("+1"))
        self.assertEqual(self.status()["name"], "Attic")
        # What the newer version would have is beside it; what nobody edited is the newer version's.
        self.assertTrue(self.machine.exists("/etc/pngw/pngw.toml.dpkg-dist"))
        self.assertIn(b"something to add", self.machine.read("/etc/cpnsd/cpnsd.toml"))
        self.assertEqual(self.machine.says("stat", "-c", "%a %U %G", "/etc/pngw/pngw.toml", "/etc/cpnsd/cpnsd.toml"), "640 root pngw\n640 root cpnsd")
        self.assert_push()

    def test_11_downgraded_it_goes_on(self):
        self.install(*self.these())
        self.assert_all_is_well()
        self.assertEqual(self.status()["name"], "Attic")
        self.assert_push()

    def test_12_rebooted_all_comes_up_by_itself(self):
        self.machine.reboot()
        self.assert_all_is_well()
        self.assertEqual(self.machine.state(), "running")
        self.assertEqual(self.status()["name"], "Attic")
        self.assert_push()

    def test_13_hung_it_is_started_again(self):
        for unit in ("pngwd", "cpnsd"):
            self.machine.write(f"/etc/systemd/system/{unit}.service.d/watchdog.conf", "[Service]\nWatchdogSec=2\n")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "restart", "pngwd", "cpnsd")
        self.assert_all_is_well()
        for unit in ("pngwd", "cpnsd"):
            hung, restarts = self.main_process(unit), int(self.machine.property(unit, "NRestarts"))
            self.machine.run("kill", "-STOP", str(hung))
            until(lambda: f"{unit} was started again\n{self.machine.journal(unit)}", lambda: int(self.machine.property(unit, "NRestarts")) > restarts, 60)
            self.assertIn("Watchdog timeout", self.machine.journal(unit))
            self.assert_all_is_well()
            self.assertNotEqual(self.main_process(unit), hung)
        self.assert_push()

    def test_14_well_it_is_left_alone_by_the_watchdog(self):
        """The control: who feeds the watchdog is the program, for many intervals of it."""
        restarts = [self.machine.property(unit, "NRestarts") for unit in ("pngwd", "cpnsd")]
        said = self.machine.says("journalctl", "-b", "-o", "cat", "-u", "pngwd").count("Watchdog timeout")
        for _ in range(5):
            self.assert_push()
            self.machine.run("sleep", "2")  # intervals of the watchdog, which is what is tested
        self.assertEqual([self.machine.property(unit, "NRestarts") for unit in ("pngwd", "cpnsd")], restarts)
        self.assertEqual(self.machine.journal("pngwd").count("Watchdog timeout"), said)
        for unit in ("pngwd", "cpnsd"):
            shutil.rmtree(f"{self.machine.root}/etc/systemd/system/{unit}.service.d")
        self.machine.run("systemctl", "daemon-reload")

    def test_15_killed_it_is_started_again_however_often(self):
        """More often than systemd would let it by itself, 5 times in 10 seconds."""
        for unit in ("pngwd", "cpnsd"):
            for _ in range(7):
                killed = until(f"{unit} runs", lambda: self.main_process(unit))
                self.machine.run("kill", "-KILL", str(killed))
                until(f"{unit} was started again", lambda: self.main_process(unit) not in (0, killed))
        self.assert_all_is_well()
        self.assert_push()

    def test_16_wrong_settings_are_for_a_person(self):
        right = self.machine.read("/etc/pngw/pngw.toml").decode()
        self.machine.write("/etc/pngw/pngw.toml", right.replace('name = "Attic"', 'nam = "Attic"'))
        self.machine.run("systemctl", "restart", "pngwd", check=False)
        until("pngwd has failed", lambda: self.machine.property("pngwd", "ActiveState") == "failed")
        self.assertEqual(self.machine.property("pngwd", "ExecMainStatus"), "78")
        self.assertEqual(self.machine.property("pngwd", "NRestarts"), "0")
        self.assertRegex(self.machine.journal("pngwd"), r"/etc/pngw/pngw\.toml:\d+.*nam")
        self.machine.write("/etc/pngw/pngw.toml", right)
        self.machine.run("systemctl", "restart", "pngwd")
        self.assert_all_is_well()

    def test_17_removed_it_leaves_settings_and_state(self):
        self.machine.run("systemctl", "stop", "kitchen")
        self.machine.run("dpkg", "-r", *INSTALLED)
        for unit in ("pngwd", "cpnsd"):
            self.assertNotEqual(self.machine.property(unit, "ActiveState"), "active")
        self.assertEqual(self.machine.run("pgrep", "-x", "pngwd|cpnsd|pngw-upnp", check=False).stdout, "")
        for path in ("/usr/bin/pngwd", "/usr/bin/pngwctl", "/usr/bin/cpnsd", "/usr/bin/pne", "/usr/lib/pngw", "/run/pngw"):
            self.assertFalse(self.machine.exists(path), path)
        self.assertIn(b'name = "Attic"', self.machine.read("/etc/pngw/pngw.toml"))
        for path in ("/var/lib/pngw/pngw.db", "/var/lib/pngw/key.pem", "/var/lib/cpnsd/cpnsd.db", "/var/lib/cpnsd/anchor-key.pem"):
            self.assertTrue(self.machine.exists(path), path)

    def test_18_installed_again_nobody_pairs_anew(self):
        self.install(*self.these())
        self.machine.run("systemctl", "start", "kitchen")
        self.assert_all_is_well()
        self.assertEqual(self.status()["name"], "Attic")
        self.assert_push()

    def test_19_purged_it_leaves_nothing(self):
        self.machine.run("systemctl", "disable", "--now", "kitchen")
        for path in ("/etc/systemd/system/kitchen.service", "/etc/pngw/pngw.toml.dpkg-dist"):
            if self.machine.exists(path):
                os.unlink(self.machine.root + path)
        shutil.rmtree(f"{self.machine.root}/var/lib/kitchen")
        users = self.owned("pngw") + self.owned("cpnsd")
        self.assertNotEqual(users, [])
        self.machine.run("dpkg", "-P", *INSTALLED)
        # Users stay, with nothing that is theirs: nobody else gets their numbers.
        self.assertEqual(self.owned("pngw") + self.owned("cpnsd"), [])
        self.assertEqual(sorted(self.tree() - self.before), [])
        self.assertEqual(sorted(self.before - self.tree()), [])
        self.assertEqual(self.machine.run("dpkg-query", "-W", "-f", "${Package}", *INSTALLED, check=False).stdout, "")
        self.machine.run("systemctl", "daemon-reload")
        self.assertEqual(self.machine.state(), "running")

    def test_20_without_avahi_it_runs_as_well(self):
        """What is recommended may be left out."""
        self.machine.run("dpkg", "-P", "avahi-daemon", check=False)
        self.install(*self.these())
        self.assert_running()
        self.assertIn("uplink", self.machine.says("pngwctl", "status", "--json"))
        self.machine.run("dpkg", "-P", *INSTALLED)
