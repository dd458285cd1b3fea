"""What a gateway tells of itself: metrics, events of warnings, explanations, the audit log, the support bundle, its own API."""

import base64
import glob
import json
import os
import re
import sqlite3
import subprocess
import tarfile

from house.house import PHONE
from house.processes import Process, eventually
from house.programs import binaries
from scenario import HouseTest

SAMPLE = re.compile(r'^(?P<name>[a-z_]+?)(?P<labels>\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,|(?=\})))+\})? (?P<value>-?\d+(?:\.\d+)?(?:e[+-]\d+)?|NaN|[+-]Inf)$')
FILM = "Our Wedding 1998.txt"
WORDS = b"the words of the film, which are nobody's business"


class Observability(HouseTest):
    settings = {"metrics": {"address": "10.99.0.1", "port": 9464}}

    @classmethod
    def bring_up(cls):
        house = cls.house
        house.start_responders()
        house.start_gateway()
        house.phone.base += ["--gateway", "10.77.0.10:7421"]
        house.pair_phone()

    def control(self, *words, **options):
        return self.house.gateway.control(*words, **options)

    def raw(self, path):
        """The admin socket's answer as text."""
        result = subprocess.run(["curl", "-sS", "--unix-socket", self.house.gateway.socket, f"http://pngw{path}"], capture_output=True, text=True, timeout=30)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def metrics(self):
        values = {}
        text = self.raw("/v1/metrics")
        self.assertTrue(text.endswith("# EOF\n"))
        for line in text.splitlines():
            if not line.startswith("# "):
                match = SAMPLE.match(line)
                self.assertTrue(match, line)
                values[(match["name"], match["labels"] or "")] = float(match["value"])
        return values

    # Metrics

    def test_metrics_count_what_happens(self):
        values = self.metrics()
        self.assertEqual(values[("pngw_uplink_state", '{state="connected"}')], 1, self.admin.get("/v1/status"))
        self.assertEqual(values[("pngw_links", "")], 1)
        self.assertGreater(values[("pngw_certificate_left_days", '{certificate="gateway"}')], 365)
        self.assertGreater(values[("pngw_storage_free_bytes", "")], 0)
        self.assertIn(("pngw_storage_written_bytes_total", ""), values)
        self.assertFalse([name for name in values if PHONE in name[1]])

    def test_metrics_over_tcp_are_the_same_and_nothing_else_is_there(self):
        here = self.house.server_host.command
        ask = lambda path: subprocess.run(here(["curl", "-sS", "-i", f"http://10.99.0.1:9464{path}"]), capture_output=True, text=True, timeout=30).stdout  # noqa: E731
        answer = ask("/metrics")
        self.assertIn("200 OK", answer)
        self.assertIn("application/openmetrics-text; version=1.0.0", answer)
        self.assertEqual(
            {line.split(" ")[0] for line in answer.partition("\n\n")[2].splitlines() if line[0] != "#"},
            {line.split(" ")[0] for line in self.raw("/v1/metrics").splitlines() if line[0] != "#"})
        for path in ("/v1/status", "/v1/pnes", "/", "/v1/metrics"):
            self.assertIn("404", ask(path).splitlines()[0])
        self.assertIn("405", subprocess.run(here(["curl", "-sS", "-i", "-X", "POST", "http://10.99.0.1:9464/metrics"]), capture_output=True, text=True).stdout.splitlines()[0])

    # Warnings

    def test_a_warning_begins_and_ends_in_status_events_and_metrics(self):
        watch = Process("watch", self.house.gateway_host, [f"{binaries()}/pngw", "pngwctl", "watch", "--json", "--socket", self.house.gateway.socket], f"{self.house.folder}/watch.log")
        try:
            eventually(20, "it watches", lambda: self.admin.post("/v1/pairing", {"seconds": 60}) and [line for line in watch.lines if "pairing-opened" in line], every=0.3)
            self.control("pair", "cancel")
            self.house.server.stop()
            _, line = watch.wait_line('"code":"uplink-down".*"kind":"warning-raised"', 30)
            warning = [one for one in self.admin.get("/v1/status")["warnings"] if one["code"] == "uplink-down"][0]
            self.assertTrue(warning["affects"] and warning["since"] and warning["next_step"])
            self.assertEqual(self.metrics()[("pngw_warning", '{code="uplink-down",severity="warning"}')], 1)
            self.assertIn("affects:", self.control("status").stdout)
            self.house.server.start()
            watch.wait_line('"code":"uplink-down".*"kind":"warning-cleared"', 30, after=line)
        finally:
            watch.stop()
            if not self.house.server.process.is_running:
                self.house.server.start()
        eventually(20, "the uplink stands", lambda: self.house.uplink == "connected")

    # Explaining

    def test_why_a_phone_is_offline_and_a_push_waits(self):
        self.house.phone.stop()
        eventually(30, "it is offline", lambda: self.house.gateway.entry(PHONE)["availability"] == "offline")
        text = self.control("explain", PHONE).stdout
        self.assertRegex(text, r"^Phone is offline since 20\d\d-")
        self.assertIn("its link was lost", text)
        self.assertRegex(text, r"next step: see that it is on")
        path = f"{self.house.folder}/note.txt"
        with open(path, "w", encoding="ascii") as file:
            file.write("hello")
        delivery = json.loads(self.control("push", path, PHONE, "--no-wait", "--json").stdout)
        text = self.control("explain", delivery["delivery_id"]).stdout
        self.assertIn("note.txt waits for Phone", text)
        self.assertIn("Phone is offline; a delivery waits a day for it", text)
        self.house.phone.start(ready=30)
        eventually(30, "it was delivered", lambda: self.admin.get(f"/v1/deliveries/{delivery['delivery_id']}")["state"] == "delivered")
        self.assertIn("Phone has it: 5 bytes", self.control("explain", delivery["delivery_id"][9:20]).stdout)

    def test_what_is_not_there_is_not_explained(self):
        result = self.control("explain", "nobody", check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("pngwctl pne list", result.stderr)

    # The audit log

    def test_who_changed_what(self):
        self.control("pair", "--no-wait")
        self.control("pair", "cancel")
        self.house.gateway.enrol(self.house.server)
        self.control("enrol", "AAAA-AAAA@10.99.0.2:7420", check=False)
        entries = self.admin.get("/v1/audit?limit=100")["entries"]
        self.assertEqual([entry["operation"] for entry in entries[:4]], ["enrol", "enrol", "cancelPairing", "openPairing"])
        self.assertEqual([entry["outcome"] for entry in entries[:4]], ["bad-request", "done", "done", "done"])
        self.assertEqual({entry["user"] for entry in entries}, {0})
        self.assertRegex(self.control("audit").stdout, r"openPairing +done")
        eventually(20, "the uplink stands", lambda: self.house.uplink == "connected")
        self.assertEqual(os.stat(f"{self.house.gateway.folder}/state/audit.log").st_mode & 0o777, 0o600)

    def test_the_audit_log_is_bounded_and_survives_junk(self):
        path = f"{self.house.gateway.folder}/state/audit.log"
        with open(path, "ab") as file:
            file.write(b"half a li" + b"\n" + b"x" * 300_000 + b"\n\xff\xfe\n")
        self.control("pair", "cancel")
        self.control("pair", "cancel")
        self.assertLess(os.path.getsize(path), 1000)
        self.assertTrue(os.path.exists(path + ".1"))
        self.assertEqual([entry["operation"] for entry in self.admin.get("/v1/audit?limit=2")["entries"]], ["cancelPairing"] * 2)
        os.remove(path + ".1")

    # The API

    def test_the_api_describes_itself(self):
        document = self.admin.get("/v1/openapi.json")
        self.assertEqual(document["openapi"], "3.1.0")
        for path, operations in document["paths"].items():
            if "get" in operations and "{id}" not in path and path != "/v1/events":
                self.assertTrue(self.raw(path), path)

    # The support bundle

    def secrets(self):
        """Everything that must not be in a bundle, by what it is."""
        state = f"{self.house.gateway.folder}/state"
        found = {"a film's name": FILM.encode(), "a film": WORDS, "the open pairing code": self.code.encode(), "a claim code": self.claim.encode()}
        with open(f"{state}/key.pem", encoding="ascii") as file:
            key = "".join(line for line in file.read().splitlines() if "-" not in line)
        found["the private key"] = key[40:80].encode()
        database = sqlite3.connect(f"file:{state}/pngw.db?mode=ro", uri=True)
        for (pairing,) in database.execute("SELECT gateway_key FROM pairing"):
            found["a PNE's key"] = pairing
        database.close()
        found["the PIN in a setting"] = b"pin-value=1234"
        return found

    def bundle(self, name):
        path = f"{self.house.folder}/{name}.tar"
        result = subprocess.run(
            [f"{binaries()}/pngw", "pngwctl", "bundle", "-o", path, "--config", self.house.gateway.config], capture_output=True, text=True, timeout=120,
            env={**os.environ, **self.house.responder.environment}, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertLess(os.path.getsize(path), 17 << 20)
        with open(path, "rb") as file:
            return path, file.read()

    def holds_no_secret(self, data):
        for what, secret in self.secrets().items():
            for form in (secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret).rstrip(b"=")[:-1], secret.replace(b"-", b"")):
                if len(form) > 8:
                    self.assertNotIn(form, data, what)

    def test_a_bundle_holds_no_secret(self):
        gateway = self.house.gateway
        film = f"{self.house.folder}/{FILM}"
        with open(film, "wb") as file:
            file.write(WORDS)
        self.control("push", film, PHONE)
        self.claim = self.house.server.claim()
        self.control("enrol", f"{self.claim}@10.99.0.2:7420")
        self.code = self.admin.post("/v1/pairing", {"seconds": 600})["code"]
        with open(gateway.config, encoding="utf-8") as file:
            good = file.read()
        path, data = self.bundle("up")
        self.holds_no_secret(data)
        with tarfile.open(path) as archive:
            names = [os.path.basename(name) for name in archive.getnames()]
            manifest = archive.extractfile(archive.getmembers()[0]).read().decode()
        self.assertEqual(names[0], "MANIFEST.txt")
        for name in ("doctor.txt", "configuration.txt", "status.json", "devices.json", "deliveries.json", "events.json", "metrics.txt", "audit.json", "machine.txt"):
            self.assertIn(name, names)
            self.assertIn(name, manifest)
        self.assertIn(b'"content" : "content-1"', data)
        # And while pngwd is down, with a PIN in a setting.
        gateway.stop()
        try:
            with open(gateway.config, "w", encoding="utf-8") as file:
                file.write(good.replace("[uplink]", '[uplink]\nprivate_key = "pkcs11:token=box?pin-value=1234"'))
            path, data = self.bundle("down")
            self.holds_no_secret(data)
            self.assertIn(b"pngwd does not answer", data)
            self.assertIn(b"uplink.private_key = (hidden)", data)
            # A setting that is wrong is told without its value.
            with open(gateway.config, "w", encoding="utf-8") as file:
                file.write(good.replace("[uplink]", '[uplink]\nprivate_key = "pkcs11 token=box?pin-value=1234"'))
            self.holds_no_secret(self.bundle("wrong")[1])
        finally:
            with open(gateway.config, "w", encoding="utf-8") as file:
                file.write(good)
            gateway.start()
            eventually(20, f"the uplink stands: {self.admin.get('/v1/status')}", lambda: self.house.uplink == "connected")

    def test_a_bundle_replaces_no_file(self):
        path = f"{self.house.folder}/there.tar"
        with open(path, "w", encoding="ascii") as file:
            file.write("mine")
        for name in (path, f"{self.house.folder}/x.zip", "/nowhere/x.tar"):
            result = subprocess.run([f"{binaries()}/pngw", "pngwctl", "bundle", "-o", name, "--config", self.house.gateway.config], capture_output=True, text=True, timeout=120)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(os.path.basename(name).split(".")[0] if name == path else "", result.stderr)
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "mine")
        self.assertEqual(glob.glob(f"{self.house.folder}/*.zip"), [])
