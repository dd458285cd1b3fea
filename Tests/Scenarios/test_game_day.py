"""Game day: each fault is found by its code, and its remedy, done as it says, repairs it.

A remedy that begins with `run: ` is a command line; it is run as it stands, on the gateway's host. `systemctl` is done by the house, which is the service
manager here. Other remedies are sentences: each fault names the words that it expects in the remedy, and does what they say.
"""

import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

from house.lan import Host, ip
from house.processes import Failure, Process, eventually
from house.programs import Gateway, binaries
from scenario import HouseTest

NAME = "cpns.house"
RUN = re.compile(r"(?:^|, )run: (?P<command>(?:'[^']*'|[^;'])+)(?:;|$)")


class GameDay(HouseTest):
    settings = {"uplink": {"server": f"{NAME}:7420"}, "mdns": {"enabled": True}}
    server_settings = {"uplink": {"names": ["localhost", "10.99.0.2", NAME]}}

    @classmethod
    def bring_up(cls):
        house = cls.house
        cls.state = f"{house.gateway.folder}/state"
        os.makedirs(cls.state, mode=0o700)
        # A disk of its own, which can be filled.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=700", "tmpfs", cls.state], check=True)
        for name, text in (("hosts", f"127.0.0.1 localhost\n10.99.0.2 {NAME}\n"), ("resolv.conf", "nameserver 10.99.0.66\noptions timeout:1 attempts:1\n")):
            cls.write(f"{house.folder}/{name}", text)
            subprocess.run(["mount", "--bind", f"{house.folder}/{name}", f"/etc/{name}"], check=True)
        house.responder.start()
        house.start_gateway()
        cls.is_well("at the beginning")

    @classmethod
    def tearDownClass(cls):
        if cls.house.gateway.process and cls.house.gateway.process.is_running:
            os.kill(cls.house.gateway.process.pid, signal.SIGCONT)
        super().tearDownClass()

    # What an operator does

    @staticmethod
    def write(path, text):
        """In place: who has it mounted sees it."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    @classmethod
    def here(cls, *words, environment=None, timeout=90):
        """On the gateway's host."""
        return subprocess.run(
            cls.house.gateway_host.command(list(words)), capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
            env={**os.environ, **cls.house.responder.environment, **(environment or {})})

    @classmethod
    def doctor(cls, environment=None):
        result = cls.here(f"{binaries()}/pngw", "pngwctl", "doctor", "--config", cls.house.gateway.config, "--user", "root", "--json", environment=environment)
        try:
            report = json.loads(result.stdout)
        except ValueError:
            raise Failure(f"doctor: {result.returncode}\n{result.stdout}{result.stderr}") from None
        findings = [finding for step in report["steps"] for finding in step["findings"]]
        wrong = [finding for finding in findings if finding["severity"] != "notice"]
        if (result.returncode == 0) != (not wrong):
            raise Failure(f"doctor's exit status is {result.returncode}, and it found {wrong}")
        return findings

    @classmethod
    def is_well(cls, when, environment=None):
        def wrong():
            return [(finding["code"], finding["evidence"]) for finding in cls.doctor(environment) if finding["severity"] != "notice"]
        last = []

        def well():
            last[:] = wrong()
            return not last
        try:
            eventually(30, "all is well", well, every=0.5)
        except Failure:
            raise Failure(f"{when}: doctor still finds {last}; the gateway's log ends with\n{cls.house.gateway.process.tail()}") from None

    def found(self, code, subject="", environment=None, seconds=15):
        """The finding, as soon as doctor has it."""
        last = []

        def look():
            last[:] = self.doctor(environment)
            return [finding for finding in last if finding["code"] == code and subject in finding["subject"]]
        try:
            return eventually(seconds, code, look, every=0.5)[0]
        except Failure:
            self.fail(f"doctor did not find {code}; it found {[(one['code'], one['evidence']) for one in last]}")

    def run_remedy(self, finding):
        """Does what stands after `run: `."""
        match = RUN.search(finding["remedy"])
        self.assertTrue(match, f"no command in {finding['remedy']!r}")
        command = match["command"].strip()
        words = command.split()
        if words[0] == "systemctl":
            return self.systemctl(words[1], words[2])
        result = self.here("sh", "-c", command)
        self.assertEqual(result.returncode, 0, f"{command}: {result.stderr}")

    def systemctl(self, verb, unit):
        gateway = self.house.gateway
        if unit == "pngwd":
            if verb == "restart" and gateway.process.is_running:
                gateway.kill()
            return gateway.start()
        if unit == "avahi-daemon":
            return self.house.responder.start()
        if unit == "bluetooth":
            return self.start_bluetoothd()
        self.fail(f"systemctl {verb} {unit}")

    def enrol_again(self, finding):
        self.assertIn("enrol", finding["remedy"])
        self.house.gateway.enrol(self.house.server)

    def says(self, finding, words):
        self.assertRegex(finding["remedy"], words)

    @contextlib.contextmanager
    def holder(self, code):
        """Another program on the gateway's host."""
        process = Process("holder", self.house.gateway_host, [sys.executable, "-u", "-c", code + "\nprint('up')\nimport signal\nsignal.pause()"], f"{self.house.folder}/holder.log")
        process.wait_line("^up", 10)
        try:
            yield process
        finally:
            if process.is_running:
                process.kill()

    def openssl(self, *words):
        result = subprocess.run(["openssl", *words], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)

    def issue(self, folder, extensions, days):
        """A certificate of the server's anchor for the key in `folder`, in place of the one there."""
        anchor = f"{self.house.server.folder}/state"
        work = self.house.folder
        self.write(f"{work}/extensions", f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n{extensions}\n")
        self.openssl("req", "-new", "-key", f"{folder}/key.pem", "-out", f"{work}/request.pem", "-subj", "/CN=test")
        self.openssl(
            "x509", "-req", "-in", f"{work}/request.pem", "-CA", f"{anchor}/anchor.pem", "-CAkey", f"{anchor}/anchor-key.pem", "-CAcreateserial", "-extfile",
            f"{work}/extensions", "-days", str(days), "-out", f"{folder}/certificate.pem")


class Files(GameDay):
    """Faults of the box itself."""

    def tearDown(self):
        self.is_well(f"after {self.id().rpartition('.')[2]}")

    def test_a_typo_in_the_configuration(self):
        gateway = self.house.gateway
        with open(gateway.config, encoding="utf-8") as file:
            good = file.read()
        self.write(gateway.config, good + "[relay]\nprot = 7422\n")
        finding = self.found("configuration-wrong")
        line = int(re.search(r"toml:(\d+):", finding["evidence"])[1])
        self.says(finding, "mend these lines")
        lines = good.splitlines() + ["[relay]", "port = 7422"]
        self.assertEqual(lines[line - 1], "port = 7422")
        self.write(gateway.config, "\n".join(lines) + "\n")

    def test_no_configuration(self):
        gateway = self.house.gateway
        os.rename(gateway.config, gateway.config + ".away")
        try:
            self.run_remedy(self.found("configuration-missing"))
            self.assertEqual(os.path.getsize(gateway.config), 0)
            self.assertNotIn("configuration-missing", [finding["code"] for finding in self.doctor()])
        finally:
            os.replace(gateway.config + ".away", gateway.config)

    def test_a_state_directory_open_to_all(self):
        os.chmod(self.state, 0o777)
        self.run_remedy(self.found("key-exposed", self.state))
        self.assertEqual(os.stat(self.state).st_mode & 0o777, 0o700)

    def test_a_key_of_somebody_else(self):
        os.chown(f"{self.state}/key.pem", 12345, 12345)
        self.run_remedy(self.found("state-permissions", "key.pem"))
        self.assertEqual(os.stat(f"{self.state}/key.pem").st_uid, 0)

    def test_no_state_directory(self):
        self.house.gateway.stop()
        config = self.house.gateway.config
        with open(config, encoding="utf-8") as file:
            good = file.read()
        away = f"{self.house.folder}/elsewhere/state"
        os.makedirs(os.path.dirname(away), exist_ok=True)
        self.write(config, good.replace(self.state, away))
        self.run_remedy(self.found("state-missing"))
        self.assertEqual(os.stat(away).st_mode & 0o777, 0o700)
        self.assertNotIn("state-missing", [finding["code"] for finding in self.doctor()])
        self.write(config, good)
        self.house.gateway.start()

    def test_a_full_disk(self):
        filler = f"{self.state}/core.4711"
        with open(filler, "wb") as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 20))
        finding = self.found("disk-full")
        self.says(finding, "remove files .* that are not pngwd's")
        os.remove(filler)

    def test_a_damaged_database(self):
        self.house.gateway.stop()
        for path in glob.glob(f"{self.state}/pngw.db-*"):
            os.remove(path)
        with open(f"{self.state}/pngw.db", "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(8192))
        finding = self.found("database-damaged")
        self.says(finding, "stop pngwd, run: .*; start pngwd, and enrol again")
        self.run_remedy(finding)
        self.house.gateway.start()
        self.house.gateway.enrol(self.house.server)

    def test_a_database_of_a_newer_version(self):
        self.house.gateway.stop()
        path = f"{self.state}/pngw.db"
        shutil.copy(path, f"{self.house.folder}/backup.db")
        subprocess.run(["sqlite3", path, "PRAGMA user_version = 99"], check=True)
        finding = self.found("database-newer")
        self.says(finding, "restore a backup")
        for old in glob.glob(f"{path}-[ws]*"):
            os.remove(old)
        shutil.copy(f"{self.house.folder}/backup.db", path)
        self.house.gateway.start()

    def test_another_programs_database(self):
        self.house.gateway.stop()
        path = f"{self.state}/pngw.db"
        shutil.move(path, f"{self.house.folder}/ours.db")
        for old in glob.glob(f"{path}-[ws]*"):
            os.remove(old)
        subprocess.run(["sqlite3", path, "PRAGMA application_id = 7; CREATE TABLE x (y)"], check=True)
        finding = self.found("database-foreign")
        self.says(finding, "move .*pngw.db away")
        shutil.move(path, f"{self.house.folder}/foreign.db")
        shutil.copy(f"{self.house.folder}/ours.db", path)
        self.house.gateway.start()

    def test_a_gateway_that_is_not_started(self):
        self.house.gateway.stop()
        self.run_remedy(self.found("gateway-down"))

    def test_a_gateway_that_hangs(self):
        os.kill(self.house.gateway.process.pid, signal.SIGSTOP)
        self.run_remedy(self.found("gateway-silent"))

    def test_a_port_that_is_taken(self):
        self.house.gateway.stop()
        with self.holder("import socket\ns = socket.socket()\ns.bind(('', 7421))\ns.listen()"):
            finding = self.found("port-taken", "7421")
            self.assertIn("python", finding["evidence"])
            self.run_remedy(finding)
            self.house.gateway.start()

    def test_a_clock_of_1970(self):
        """The clock is a file here, because a machine has only one; the remedy's command sets it."""
        clock = f"{self.house.folder}/clock"
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not libraries:
            self.skipTest("faketime is not there")
        environment = {"LD_PRELOAD": libraries[0], "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}
        self.write(clock, "@1970-01-01 00:05:00\n")
        finding = self.found("clock-implausible", environment=environment)
        self.says(finding, r"timedatectl set-ntp true, or by hand: date --utc --set=")
        self.write(clock, "+0\n")
        self.is_well("with the clock set", environment)


class Certificates(GameDay):
    """Faults of trust between this gateway and its server."""

    def tearDown(self):
        self.is_well(f"after {self.id().rpartition('.')[2]}")

    @property
    def entity(self):
        return self.admin.get("/v1/version")["entity_id"]

    def test_our_certificate_has_expired(self):
        self.issue(self.state, f"extendedKeyUsage=clientAuth\nsubjectAltName=URI:{self.entity}", -1)
        self.enrol_again(self.found("certificate-expired"))

    def test_our_certificate_ends_soon(self):
        self.issue(self.state, f"extendedKeyUsage=clientAuth\nsubjectAltName=URI:{self.entity}", 10)
        self.enrol_again(self.found("certificate-expiring"))

    def test_our_certificate_is_gone(self):
        os.remove(f"{self.state}/certificate.pem")
        self.enrol_again(self.found("certificate-missing"))

    def test_the_anchor_is_gone(self):
        os.remove(f"{self.state}/trust-anchor.pem")
        self.enrol_again(self.found("anchor-missing"))

    def test_a_key_of_another_gateway(self):
        key = f"{self.state}/key.pem"
        shutil.move(key, f"{self.house.folder}/key-backup.pem")
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        os.chmod(key, 0o600)
        finding = self.found("certificate-unfit")
        self.says(finding, "put back the key that belongs to it, from a backup")
        shutil.move(f"{self.house.folder}/key-backup.pem", key)

    def test_an_anchor_that_does_not_vouch_for_the_server(self):
        self.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{self.house.folder}/other-key.pem", "-out",
            f"{self.state}/trust-anchor.pem", "-subj", "/CN=another", "-days", "300")
        self.enrol_again(self.found("server-untrusted"))

    def test_the_servers_certificate_has_expired(self):
        """A cpnsd that runs since before the end of its certificate: another program with its key stands in, for it would renew it at its start."""
        server = self.house.server
        server.stop()
        state = f"{server.folder}/state"
        self.issue(state, f"extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:10.99.0.2,DNS:{NAME}", -1)
        old = Process(
            "old", self.house.server_host, [
                "openssl", "s_server", "-accept", "10.99.0.2:7420", "-tls1_3", "-alpn", "cpns/1", "-cert", f"{state}/certificate.pem", "-key",
                f"{state}/key.pem", "-quiet"], f"{self.house.folder}/old.log")
        finding = self.found("server-certificate-expired")
        self.says(finding, r"restart cpnsd on the server \(systemctl restart cpnsd\): it renews its certificate at its start")
        old.stop()
        server.start()

    def test_a_server_of_another_name(self):
        server = self.house.server
        with open(server.config, encoding="utf-8") as file:
            good = file.read()
        self.write(server.config, good.replace(f', "{NAME}"', ""))
        server.stop()
        server.start()
        finding = self.found("server-name-wrong")
        wanted = re.search(r'add ("[^"]+") to names under \[uplink\] in the server\'s cpnsd.toml and restart cpnsd', finding["remedy"])
        self.assertEqual(wanted[1], f'"{NAME}"')
        self.write(server.config, re.sub(r"names = \[(.*)\]", rf"names = [\1, {wanted[1]}]", good.replace(f', "{NAME}"', "")))
        server.stop()
        server.start()

    def test_the_port_of_something_else(self):
        gateway = self.house.gateway
        with open(gateway.config, encoding="utf-8") as file:
            good = file.read()
        self.write(gateway.config, good.replace(f"{NAME}:7420", f"{NAME}:7443"))
        finding = self.found("server-not-cpns")
        self.says(finding, r"set uplink.server to the port of the server's uplink \(usually 7420\)")
        self.write(gateway.config, good)

    def test_a_copy_of_this_gateway(self):
        """A second box with the same state directory: each throws the other out."""
        other = Host("copy")
        self.house.wan.plug(other, "wan0", 9)
        folder = f"{self.house.folder}/copy"
        os.makedirs(folder)
        self.house.gateway.stop()
        shutil.copytree(self.state, f"{folder}/state")
        self.house.gateway.start()
        copy = Gateway(other, folder, [], settings={**self.settings, "mdns": {"enabled": False}, "proxy": {"enabled": False}})
        copy.start()
        try:
            finding = self.found("identity-in-use", seconds=90)
            self.says(finding, "end the other pngwd")
        finally:
            copy.stop()
        eventually(60, "the warning is over", lambda: not [one for one in self.admin.get("/v1/status")["warnings"] if one["code"] == "identity-in-use"])


class Network(GameDay):
    """Faults of the networks, and of the programs beside us."""

    def tearDown(self):
        self.is_well(f"after {self.id().rpartition('.')[2]}")

    def test_a_firewall_that_drops_multicast(self):
        self.addCleanup(self.here, "nft", "flush", "ruleset")
        for port, service in ((1900, "SSDP"), (5353, "mDNS")):
            for words in ("add table inet box", "add chain inet box input { type filter hook input priority 0 ; policy accept ; }", f"add rule inet box input udp dport {port} drop"):
                self.assertEqual(self.here("nft", words).returncode, 0, words)
            self.found("multicast-lost", "lan0")
            self.run_remedy(self.found("firewall-drops", "lan0"))
            self.assertNotIn("firewall-drops", [finding["code"] for finding in self.doctor()], service)

    def test_a_firewall_that_drops_everything(self):
        self.addCleanup(self.here, "nft", "flush", "ruleset")
        self.assertEqual(self.here("nft", "add table inet box; add chain inet box closed { type filter hook input priority 0 ; policy drop ; }").returncode, 0)
        self.run_remedy(self.found("firewall-drops"))

    def test_the_servers_name_has_no_address(self):
        hosts = f"{self.house.folder}/hosts"
        self.write(hosts, "127.0.0.1 localhost\n")
        finding = self.found("dns-failed")
        self.assertIn("10.99.0.66", finding["evidence"])
        line = re.search(rf"into /etc/hosts \(ADDRESS ({NAME})\)", finding["remedy"])
        self.write(hosts, f"127.0.0.1 localhost\n10.99.0.2 {line[1]}\n")

    def test_no_route(self):
        ip("-n", "gateway", "route", "del", "10.99.0.0/24", "dev", "wan0")
        finding = self.found("no-route")
        self.says(finding, "give this machine a route to 10.99.0.2")
        ip("-n", "gateway", "route", "add", "10.99.0.2", "dev", "wan0")

    def test_a_server_that_is_off(self):
        self.house.server.stop()
        finding = self.found("server-unreachable")
        self.says(finding, r"start cpnsd there \(systemctl start cpnsd\)")
        self.house.server.start()

    def test_a_cable_that_is_out(self):
        self.house.lan.cable(self.house.gateway_host, "lan0", False)
        finding = self.found("interface-down", "lan0")
        self.says(finding, "put the cable of lan0 in")
        self.house.lan.cable(self.house.gateway_host, "lan0", True)

    def test_an_interface_that_is_switched_off(self):
        ip("-n", "gateway", "link", "set", "lan0", "down")
        self.run_remedy(self.found("interface-down", "lan0"))

    def test_an_interface_without_an_address(self):
        ip("-n", "gateway", "addr", "flush", "dev", "lan0")
        finding = self.found("interface-without-address", "lan0")
        self.says(finding, "ip addr add ADDRESS/PREFIX dev lan0")
        ip("-n", "gateway", "addr", "add", "10.77.0.10/24", "brd", "+", "dev", "lan0")

    def test_an_interface_that_is_not_there(self):
        gateway = self.house.gateway
        with open(gateway.config, encoding="utf-8") as file:
            good = file.read()
        self.write(gateway.config, good.replace('"lan0"', '"lan7"'))
        finding = self.found("interface-missing", "lan7")
        self.says(finding, "name one that is there in proxy.interfaces")
        self.assertIn("lan0", finding["evidence"])
        self.write(gateway.config, good)

    def test_a_worker_that_keeps_ending(self):
        """Somebody has the port that it needs, and does not share it."""
        with self.thief() as thief:
            finding = self.found("upnp-worker-loop", "lan0", seconds=60)
            self.says(finding, "run pngwctl doctor: it says who has UDP port 1900")
            taken = self.found("port-taken", "1900")
            self.assertIn(str(thief.pid), taken["evidence"])
            self.run_remedy(taken)
        eventually(90, "the worker is up again", lambda: all(one["up"] for one in self.admin.get("/v1/status")["interfaces"]), every=0.5)
        eventually(150, "the warning is over", lambda: not [one for one in self.admin.get("/v1/status")["warnings"] if "worker" in one["code"]], every=0.5)

    @contextlib.contextmanager
    def thief(self):
        """Takes UDP 1900 in the moment that the workers are away."""
        for worker in self.house.gateway.workers:
            os.kill(worker, signal.SIGSTOP)
        code = (
            "import os, signal, socket, time\n"
            f"for pid in {self.house.gateway.workers!r}: os.kill(pid, signal.SIGKILL)\n"
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "end = time.monotonic() + 10\n"
            "while True:\n"
            "  try:\n"
            "    s.bind(('', 1900)); break\n"
            "  except OSError:\n"
            "    if time.monotonic() > end: raise\n")
        with self.holder(code) as process:
            yield process

    def test_avahi_is_stopped(self):
        self.house.responder.kill()
        self.run_remedy(self.found("avahi-missing"))

    def test_a_second_responder(self):
        with self.holder("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\ns.bind(('', 5353))"):
            finding = self.found("second-responder")
            self.assertIn("python", finding["evidence"])
            self.run_remedy(finding)

    def test_bluetoothd_is_missing(self):
        self.run_remedy(self.found("bluetoothd-missing"))
        try:
            self.assertNotIn("bluetoothd-missing", [finding["code"] for finding in self.doctor()])
        finally:
            self.bluez.close()

    def start_bluetoothd(self):
        """Somebody of that name on the bus: D-Bus by hand, two calls."""
        self.bluez = socket.socket(socket.AF_UNIX)
        self.bluez.connect(self.house.responder.bus)
        self.bluez.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        self.assertTrue(self.bluez.recv(1024).startswith(b"OK"))
        self.bluez.sendall(b"BEGIN\r\n" + call(1, "Hello") + call(2, "RequestName", "su", text("org.bluez") + (b"\0" * (-len(text("org.bluez")) % 4)) + (4).to_bytes(4, "little")))
        self.bluez.settimeout(5)
        data = b""
        while b"NameAcquired" not in data or b"org.bluez" not in data:
            data += self.bluez.recv(4096)


def text(value):
    return len(value).to_bytes(4, "little") + value.encode() + b"\0"


def call(serial, member, signature="", body=b""):
    """A method call to the bus itself (D-Bus Specification, Message Protocol)."""
    fields = [(1, "o", text("/org/freedesktop/DBus")), (2, "s", text("org.freedesktop.DBus")), (3, "s", text(member)), (6, "s", text("org.freedesktop.DBus"))]
    if signature:
        fields.append((8, "g", bytes([len(signature)]) + signature.encode() + b"\0"))
    header = b""
    for code, kind, value in fields:
        header += b"\0" * (-len(header) % 8) + bytes([code, 1]) + kind.encode() + b"\0" + value
    whole = b"l" + bytes([1, 0, 1]) + len(body).to_bytes(4, "little") + serial.to_bytes(4, "little") + len(header).to_bytes(4, "little") + header
    return whole + b"\0" * (-len(whole) % 8) + body
