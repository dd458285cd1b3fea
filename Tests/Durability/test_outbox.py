"""A hundred thousand messages in the outbox: the gateway is ready at once, and what happens now does not wait behind them.

The messages are usage reports of an outage, put into the gateway's database as it would have put them there itself. MESSAGES=… takes another
number.
"""

import os
import shutil
import sqlite3
import time
import unittest
import uuid

import bench

MESSAGES = int(os.environ.get("MESSAGES", "100000"))
READY_SECONDS = 2
LIVE_SECONDS = 5


class Outbox(unittest.TestCase):
    def setUp(self):
        self.folder = bench.memory_folder("outbox")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = bench.server(f"{self.folder}/server")
        self.server.start()
        self.addCleanup(lambda: self.server.kill())
        self.box = bench.gateway(f"{self.folder}/gateway")
        self.box.start()
        self.addCleanup(lambda: self.box.kill())
        self.box.enrol(self.server)
        self.phone = bench.phone(f"{self.folder}/phone")
        self.consumer = bench.pair(self.box, self.phone)
        self.addCleanup(lambda: self.phone.process.stop())

        bench.eventually(20, "the server knows the PNE", lambda: self.server.pne(bench.PHONE))
        data = f"{self.folder}/file"
        with open(data, "wb") as file:
            file.write(bench.content(7))
        self.content = self.server.api.upload("file.txt", "text/plain", data)

    def fill(self):
        """Takes one real usage report, and puts it there again under other ids."""
        database = sqlite3.connect(f"{self.folder}/gateway/state/pngw.db")
        kind, body, _, made = database.execute("SELECT kind, body, idempotency, made FROM outbox WHERE kind = 70").fetchone()
        own = body[2:2 + 45]
        assert own.startswith(b"urn:uuid:"), body
        with database:
            database.executemany("INSERT INTO outbox (kind, body, idempotency, made) VALUES (?, ?, ?, ?)", (
                (kind, body.replace(own, f"urn:uuid:{uuid.uuid4()}".encode()), f"urn:uuid:{uuid.uuid4()}", made) for _ in range(MESSAGES)))
        database.close()

    def waiting(self):
        return self.box.admin.get("/v1/status")["outbox"]["messages"]

    def test_it_is_ready_and_what_is_live_goes_first(self):
        self.server.stop()
        offline = bench.push(self.box, self.consumer, 1)
        bench.eventually(20, "it is delivered", lambda: self.box.admin.get(f"/v1/deliveries/{offline}")["state"] == "delivered")
        self.box.stop()
        self.fill()
        self.box.start()
        self.assertLess(self.box.ready_seconds, READY_SECONDS)
        self.assertGreaterEqual(self.waiting(), MESSAGES)
        self.server.start()
        bench.eventually(20, "the uplink stands", lambda: self.box.admin.get("/v1/status")["uplink"]["state"] == "connected")
        # Something happens now: a delivery of the server's, whose end it should hear of at once.
        began = time.monotonic()
        live = self.server.push(self.content, {"entity_id": self.consumer})
        bench.eventually(LIVE_SECONDS + 60, "the server hears of it", lambda: self.server.delivery(live)["state"] == "delivered")
        seconds = time.monotonic() - began
        left = self.waiting()
        self.assertGreater(left, MESSAGES // 2, "the outbox is nearly empty: this showed nothing")
        self.assertLess(seconds, LIVE_SECONDS)
        print(f"\noutbox: ready in {self.box.ready_seconds:.2f} s with {MESSAGES} messages; a live one came after {seconds:.2f} s, before {left} older ones", flush=True)


if __name__ == "__main__":
    unittest.main()
