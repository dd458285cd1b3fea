"""What people and peers get wrong: a clear error on the side that can act, and everything else goes on."""

import os
import subprocess

from house.house import PHONE
from house.processes import Process, eventually
from house.programs import Element, Gateway, Server, binaries
from house.lan import Host
from scenario import HouseTest


class Codes(HouseTest):
    """Claim codes and pairing codes that are wrong, spent or for another."""

    settings = {"mdns": {"enabled": False}}

    @classmethod
    def bring_up(cls):
        cls.house.server.start()
        cls.house.gateway.start()

    def enrol(self, code):
        return self.house.gateway.control("enrol", f"{code}@10.99.0.2:7420", check=False)

    def element(self, name, code):
        element = Element(self.house.phone_host, f"{self.house.folder}/{name}", name, gateway="10.77.0.10:7421")
        self.addCleanup(lambda: element.process.stop())
        return element.start(code=code)

    def test_1_claim_codes(self):
        real = self.house.server.claim()
        secret, _, fingerprint = real.partition("-")
        for code, words in (
            ("HELLO", "claim code"),
            (f"{'A' * 26}-{fingerprint}", "claim"),
            (f"{secret}-{'A' * 26}", "fingerprint"),
        ):
            result = self.enrol(code)
            self.assertNotEqual(result.returncode, 0, code)
            self.assertIn(words, (result.stdout + result.stderr).lower())
            self.assertNotIn("connected", self.house.uplink)
        self.assertEqual(self.enrol(real).returncode, 0)
        eventually(10, "the uplink stands", lambda: self.house.uplink == "connected")
        # Spent: another gateway gets nothing for it.
        other = Gateway(Host("other"), f"{self.house.folder}/other", [], settings={"mdns": {"enabled": False}})
        self.house.wan.plug(other.host, "wan0", 9)
        other.start()
        self.addCleanup(other.stop)
        result = other.control("enrol", f"{real}@10.99.0.2:7420", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("claim", (result.stdout + result.stderr).lower())

    def test_2_a_pairing_code_is_for_one_device(self):
        code = self.house.gateway.pairing_code()
        self.element("first", code).process.wait_line("^registered", 20)
        self.refused("second", code)

    def refused(self, name, code):
        """It ends by itself, and says what to do."""
        element = self.element(name, code)
        self.assertNotEqual(element.process.wait_end(20), 0)
        with open(element.process.log, encoding="utf-8") as file:
            self.assertIn("pngwctl pair", file.read())
        self.assertIsNone(self.house.gateway.entry(name))

    def test_3_five_wrong_codes_close_the_window(self):
        code = self.house.gateway.pairing_code()
        wrong = "AAAA" + code[4:] if not code.startswith("AAAA") else "BBBB" + code[4:]
        for number in range(5):
            self.assertIsNotNone(self.window())
            self.refused(f"guess {number}", wrong)
        self.assertIsNone(self.window())
        self.refused("late", code)

    def window(self):
        window = self.admin.get("/v1/pairing")
        return window if window.get("state", "open") == "open" and window.get("expires") else None

    def test_4_a_paired_element_is_still_served(self):
        self.assertEqual(self.house.gateway.entry("first")["kind"], "pne")


class Certificates(HouseTest):
    """A server that can't prove that it is the right one is not spoken to, and the operator reads why."""

    settings = {"mdns": {"enabled": False}}

    @classmethod
    def bring_up(cls):
        cls.house.start_gateway()

    def warning(self):
        """The cause of the uplink's warning."""
        return eventually(20, f"the uplink's warning; it has {self.admin.get('/v1/status')['warnings']}", lambda: [
            item for item in self.admin.get("/v1/status")["warnings"] if item["code"] == "uplink-refused"])[0]["cause"]

    def with_server_certificate(self, make, words):
        """Somebody else answers in the server's place, with what `make` makes; the gateway must say `words` and not connect."""
        self.house.server.stop()
        folder = f"{self.house.folder}/impostor"
        os.makedirs(folder, exist_ok=True)
        make(folder)
        impostor = Process(
            "s_server", self.house.server_host, [
                "openssl", "s_server", "-accept", "10.99.0.2:7420", "-tls1_3", "-alpn", "cpns/1", "-cert", f"{folder}/certificate.pem", "-key",
                f"{folder}/key.pem", "-quiet"], f"{folder}/log")
        try:
            self.assertRegex(self.warning(), words)
            self.assertNotEqual(self.house.uplink, "connected")
        finally:
            impostor.stop()
            self.house.server.start()
        eventually(20, "with the right server it connects by itself", lambda: self.house.uplink == "connected")

    def issue(self, state, *, name="IP:10.99.0.2", anchor=None, days=("-days", "30")):
        """A server certificate by openssl, from the server's own anchor or another."""
        own = f"{self.house.server.folder}/state"
        anchor = anchor or (f"{own}/anchor.pem", f"{own}/anchor-key.pem")
        run = lambda *words: subprocess.run(words, check=True, capture_output=True)  # noqa: E731
        extensions = f"{self.house.folder}/extensions"
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName={name}\n")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{state}/key.pem",
            "-out", f"{self.house.folder}/request.pem", "-subj", "/CN=test")
        run("openssl", "x509", "-req", "-in", f"{self.house.folder}/request.pem", "-CA", anchor[0], "-CAkey", anchor[1], "-CAcreateserial",
            "-extfile", extensions, *days, "-out", f"{state}/certificate.pem")

    def another_anchor(self):
        files = (f"{self.house.folder}/other.pem", f"{self.house.folder}/other-key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", files[1], "-out", files[0],
             "-subj", "/CN=another", "-days", "30"], check=True, capture_output=True)
        return files

    def test_an_expired_certificate(self):
        self.with_server_certificate(lambda state: self.issue(state, days=("-days", "-1")), "expired")

    def test_a_certificate_for_another_name(self):
        self.with_server_certificate(lambda state: self.issue(state, name="DNS:elsewhere.example"), "elsewhere.example")

    def test_a_certificate_from_another_authority(self):
        self.with_server_certificate(lambda state: self.issue(state, anchor=self.another_anchor()), "issue|anchor|authority|signed")

    def test_a_gateway_without_a_certificate_may_only_enrol(self):
        state = f"{self.house.gateway.folder}/state"
        os.rename(f"{state}/certificate.pem", f"{state}/away.pem")
        self.house.gateway.stop()
        self.house.gateway.start()
        try:
            self.assertRegex(self.warning(), "certificate")
        finally:
            os.rename(f"{state}/away.pem", f"{state}/certificate.pem")
        eventually(20, "with its certificate it connects by itself", lambda: self.house.uplink == "connected")

    def test_strangers_at_the_servers_port(self):
        """A client with a certificate of another authority, and one with none, get no answer to anything but enrolment."""
        anchor = self.another_anchor()
        result = subprocess.run(
            self.house.gateway_host.command([
                "openssl", "s_client", "-connect", "10.99.0.2:7420", "-tls1_3", "-alpn", "cpns/1", "-cert", anchor[0], "-key", anchor[1],
                "-CAfile", f"{self.house.server.folder}/state/anchor.pem", "-ign_eof"]),
            input=b"", capture_output=True, timeout=30)
        self.assertRegex((result.stdout + result.stderr).decode(errors="replace"), "alert|unknown ca|read:errno=0|closed")
        self.assertEqual(self.house.uplink, "connected")

    def test_another_protocol_is_not_spoken(self):
        result = subprocess.run(
            self.house.gateway_host.command(["openssl", "s_client", "-connect", "10.99.0.2:7420", "-tls1_2"]), input=b"",
            capture_output=True, timeout=30)
        self.assertIn("alert", (result.stdout + result.stderr).decode(errors="replace").lower())


class ConfigurationFiles(HouseTest):
    """Typos in pngw.toml and cpnsd.toml: exit status 78, with file, line and what would be right."""

    @classmethod
    def bring_up(cls):
        pass

    def refused(self, words, text, *expected):
        path = f"{self.house.folder}/typo.toml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        result = subprocess.run([*words, "--config", path], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 78, result.stderr)
        for part in expected:
            self.assertIn(part, result.stderr)

    def test_a_key_that_is_misspelt(self):
        gateway, server = [f"{binaries()}/pngw", "pngwd"], [f"{binaries()}/cpnsd", "run"]
        self.refused(gateway, "[elements]\nprot = 7421\n", "typo.toml:2", "prot", "port")
        self.refused(server, "[api]\nport = 443\nadress = \"127.0.0.1\"\n", "typo.toml:3", "adress", "address")

    def test_a_value_of_the_wrong_kind_or_size(self):
        gateway = [f"{binaries()}/pngw", "pngwd"]
        self.refused(gateway, "[relay]\nport = \"seven\"\n", "typo.toml:2", "relay.port")
        self.refused(gateway, "[relay]\nport = 70000\n", "typo.toml:2", "65535")

    def test_what_is_no_toml(self):
        self.refused([f"{binaries()}/pngw", "pngwd"], "[state\n", "typo.toml:1")

    def test_a_file_that_is_not_there(self):
        result = subprocess.run([f"{binaries()}/pngw", "pngwd", "--config", "/nowhere.toml"], capture_output=True, text=True, timeout=20)
        self.assertEqual(result.returncode, 78)
        self.assertIn("/nowhere.toml", result.stderr)
