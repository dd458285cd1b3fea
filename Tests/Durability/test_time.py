"""Certificates and clocks, with real programs whose clocks are set wrong (clock.c): renewal, an end that was missed, a clock that starts in 1970, clocks that jump.

A server whose gateways get certificates of 100 days; days pass by moving the clocks of both, or of one.
"""

import os
import random
import shutil
import subprocess
import time
import unittest

import bench

DAYS = 100
KILLS = int(os.environ.get("ROUNDS", "10"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 32))))


class Clocks(unittest.TestCase):
    def setUp(self):
        self.folder = bench.memory_folder("time")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = bench.server(f"{self.folder}/server", settings={
            "uplink": {"names": ["localhost", "127.0.0.1"], "port": 7420, "gateway_certificate_days": DAYS}})
        self.box = bench.gateway(f"{self.folder}/gateway")
        self.server.start()
        self.box.start()
        self.addCleanup(lambda: self.server.kill())
        self.addCleanup(lambda: self.box.kill())
        self.box.enrol(self.server)
        self.connected()

    @property
    def status(self):
        return self.box.admin.get("/v1/status")

    @property
    def warnings(self):
        return [one["code"] for one in self.status["warnings"]]

    def connected(self, seconds=20):
        bench.eventually(seconds, f"the uplink stands: {self.box.process.tail()}", lambda: self.status["uplink"]["state"] == "connected")

    def end(self):
        """The end of the certificate in use, in days from now."""
        text = subprocess.run(
            ["openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", f"{self.folder}/gateway/state/certificate.pem"], capture_output=True, text=True, check=True).stdout
        return round((time.mktime(time.strptime(text.strip(), "notAfter=%Y-%m-%d %H:%M:%SZ")) - time.time()) / 86_400)

    def again(self, server, gateway):
        """Stops both, moves their clocks, starts both."""
        self.box.stop()
        self.server.stop()
        self.server.environment, self.box.environment = bench.clock(server), bench.clock(gateway)
        self.server.start()
        self.box.start()

    def test_a_certificate_is_renewed_when_a_third_of_its_time_is_left(self):
        self.assertEqual(self.end(), DAYS)
        self.again("+60d", "+60d")
        self.connected()
        self.assertEqual(self.end(), DAYS)
        self.again("+70d", "+70d")
        bench.eventually(20, "it is renewed and in use", lambda: self.end() == DAYS + 70)
        self.connected()
        self.assertEqual(self.warnings, [])
        self.assertFalse(os.path.exists(f"{self.folder}/gateway/state/certificate.pem.next"))

    def test_twelve_months_without_the_server_lose_nothing(self):
        phone = bench.phone(f"{self.folder}/phone")
        consumer = bench.pair(self.box, phone)
        self.server.stop()
        pushes = [bench.push(self.box, consumer, number) for number in range(5)]
        self.box.stop()
        self.box.environment = bench.clock("+180d")
        self.box.start()
        pushes += [bench.push(self.box, consumer, number) for number in range(5, 10)]
        for one in pushes[5:]:
            bench.eventually(40, "it is delivered", lambda one=one: self.box.admin.get(f"/v1/deliveries/{one}")["state"] == "delivered")
        self.again("+365d", "+365d")
        self.connected()
        self.assertEqual(self.end(), 365 + DAYS)
        bench.eventually(20, "the server has all", lambda: sorted(
            record["delivery_id"] for record in self.server.api.get("/v1/usage?limit=100")["usage"]) == sorted(pushes))
        bench.eventually(20, "the PNE is online there", lambda: (self.server.pne(bench.PHONE) or {}).get("availability") == "online")
        self.assertEqual(self.warnings, [])
        phone.process.stop()

    def test_a_clock_that_starts_in_1970_connects_and_is_told(self):
        self.again("", "1970")
        self.connected()
        self.assertEqual(self.warnings, ["clock-implausible"])
        warning = self.status["warnings"][0]
        self.assertIn("1970-01-01", warning["cause"])
        self.assertIn("set the clock", warning["next_step"])
        # Its records are from no earlier than what has been.
        self.assertGreater(self.status["now"], "2026-01-01")

    def test_enrolment_with_a_clock_in_1970(self):
        shutil.rmtree(f"{self.folder}/gateway/state")
        self.box.kill()
        os.makedirs(f"{self.folder}/gateway/state", mode=0o700, exist_ok=True)
        self.box.environment = bench.clock("1970")
        self.box.start()
        self.box.enrol(self.server)
        self.connected()

    def test_a_clock_that_jumps_ahead_is_refused_in_words_and_leaves_nothing_behind(self):
        self.again("", "+4000d")
        bench.eventually(20, "the refusal is told", lambda: "uplink-refused" in self.warnings)
        cause = next(one["cause"] for one in self.status["warnings"] if one["code"] == "uplink-refused")
        self.assertIn("expired", cause)
        self.again("", "")
        self.connected()
        self.assertEqual(self.warnings, [])

    def test_a_server_whose_clock_is_ahead_gives_another_certificate(self):
        self.again("+130d", "")
        # To us our certificate holds; after three refusals we ask without it.
        self.connected(40)
        self.assertEqual(self.end(), 130 + DAYS)

    def test_a_gateway_with_another_key_gets_nothing(self):
        self.box.stop()
        state = f"{self.folder}/gateway/state"
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{state}/key.pem"], check=True, capture_output=True)
        self.server.stop()
        self.server.environment = self.box.environment = bench.clock("+130d")
        self.server.start()
        self.box.start()
        bench.eventually(20, "it is told", lambda: {"certificate-expired", "certificate-not-renewed"} <= set(self.warnings))
        bench.eventually(20, "with the server's words", lambda: any("no gateway has enrolled with this" in one["cause"] for one in self.status["warnings"]))
        self.assertNotEqual(self.status["uplink"]["state"], "connected")

    def test_kills_in_the_middle_of_a_renewal_lock_nobody_out(self):
        chance = random.Random(SEED)
        print(f"\nseed {SEED}", flush=True)
        for number in range(KILLS):
            day = f"+{70 * (number + 1)}d"
            self.box.kill()
            self.server.stop()
            self.server.environment = self.box.environment = bench.clock(day)
            self.server.start()
            self.box.start()
            time.sleep(chance.uniform(0, 0.3))  # the random moment
            self.box.kill()
            self.box.start()
            self.connected()
            bench.eventually(20, "it is renewed in the end", lambda number=number: self.end() >= DAYS + 70 * (number + 1) - 1)
        print(f"\ntime: {KILLS} kills in the middle of renewals, connected after each", flush=True)

    def test_rubbish_in_the_second_slot_is_dropped(self):
        """What stands in the second slot is no certificate: it is tried, dropped, and the one in use serves on."""
        self.box.stop()
        with open(f"{self.folder}/gateway/state/certificate.pem.next", "w", encoding="ascii") as file:
            file.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        self.box.start()
        self.connected()
        self.assertFalse(os.path.exists(f"{self.folder}/gateway/state/certificate.pem.next"))


if __name__ == "__main__":
    unittest.main()
