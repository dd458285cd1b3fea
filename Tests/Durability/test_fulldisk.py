"""A disk that is full, or broken, at each write: nothing crashes, reading goes on, it recovers by itself, and nothing acknowledged is lost.

For each N up to what one operation needs, the Nth write (or flush, or change of a name) and all after it fail with ENOSPC, or with EIO, while
something is asked of the program; then the disk is well again. ROUNDS=… tries N up to so many.
"""

import errno
import http.client
import mmap
import os
import shutil
import struct
import unittest

import bench
from house.clients import Refused

# How far N goes: one push makes some 20 writes.
ROUNDS = int(os.environ.get("ROUNDS", "12"))
KINDS = {"write": (0, errno.ENOSPC), "broken write": (0, errno.EIO), "flush": (1, errno.EIO), "new name": (2, errno.ENOSPC)}
FOR_EVER = 1 << 40


class Faults:
    """Which calls of the program fail; disk.c reads it."""

    layout = struct.Struct("=iiqqq")

    def __init__(self, path):
        with open(path, "wb") as file:
            file.write(bytes(32))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 32)
        self.file.close()

    def set(self, family, error, skip, fail=FOR_EVER):
        # `fail` last: from then on it holds.
        self.map[0:32] = self.layout.pack(family, error, skip, 0, 0)
        self.map[16:24] = struct.pack("=q", fail)

    def mend(self):
        """Returns how many calls have failed."""
        failed = self.layout.unpack(self.map[0:32])[4]
        self.map[16:24] = struct.pack("=q", 0)
        return failed


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.folder = bench.memory_folder("fulldisk")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.faults = Faults(f"{self.folder}/faults")

    def watched(self, state):
        os.makedirs(state, mode=0o700, exist_ok=True)
        return {"LD_PRELOAD": bench.preloaded("disk"), "DISK_ROOT": state, "DISK_FAULTS": f"{self.folder}/faults"}

    def each(self, program, work, read):
        """Returns (what was acknowledged, operations refused, calls failed)."""
        acknowledged, refused, failed = [], 0, 0
        for family, error in KINDS.values():
            for skip in range(ROUNDS):
                self.faults.set(family, error, skip)
                try:
                    acknowledged.append(work())
                except Refused as refusal:
                    self.assertIn(refusal.status, (500, 503, 507), refusal)
                    refused += 1
                except (OSError, http.client.HTTPException) as broken:
                    self.assertTrue(program.process.is_running, f"it ended at fault {skip}: {broken}\n{program.process.tail()}")
                    refused += 1
                read()
                failed += self.faults.mend()
                self.assertTrue(program.process.is_running, program.process.tail())
                # It recovers by itself, soon.
                acknowledged.append(bench.eventually(15, "it takes something again", lambda: self.tried(work)))
        self.assertGreater(failed, 0)
        return acknowledged, refused, failed

    @staticmethod
    def tried(work):
        try:
            return work()
        except (Refused, OSError, http.client.HTTPException):
            return None

    def test_the_gateway(self):
        state = f"{self.folder}/gateway/state"
        box = bench.gateway(f"{self.folder}/gateway", environment=self.watched(state))
        box.start()
        self.addCleanup(lambda: box.kill())
        phone = bench.phone(f"{self.folder}/phone")
        consumer = bench.pair(box, phone)
        numbers = iter(range(1 << 20))

        def work():
            return bench.push(box, consumer, next(numbers))

        acknowledged, refused, failed = self.each(box, work, lambda: (box.admin.get("/v1/status"), box.admin.get("/v1/pnes")))
        box.kill()
        box.start()
        there = bench.eventually(60, "every delivery ends", lambda: self.ended(box, acknowledged))
        wrong = [f"{one}: {there[one]}" for one in acknowledged if there[one]["state"] != "delivered"]
        phone.process.stop()
        self.assertEqual(wrong, [])
        print(f"\ngateway: {failed} calls failed, {refused} pushes refused, 0 of {len(acknowledged)} acknowledged lost", flush=True)

    @staticmethod
    def ended(box, wanted):
        there = bench.deliveries(box)
        return there if all(one in there and there[one]["state"] in ("delivered", "failed") for one in wanted) else None

    def test_the_server(self):
        state = f"{self.folder}/server/state"
        one = bench.server(f"{self.folder}/server", environment=self.watched(state))
        one.start()
        self.addCleanup(lambda: one.kill())
        numbers = iter(range(1 << 20))

        def work():
            number = next(numbers)
            if number % 2:
                data = bench.content(number)
                made = one.api.ask("POST", f"/v1/contents?name=c{number}.txt", body=data, headers={"Content-Type": "text/plain"})
                return made["content_id"]
            return one.api.post("/v1/services", {
                "name": f"s{number}", "service_type": "test", "keywords": [], "required_media_types": []})["service_id"]

        acknowledged, refused, failed = self.each(one, work, lambda: one.api.get("/v1/status"))
        one.kill()
        one.start()
        there = {service["service_id"] for service in one.api.get("/v1/services?limit=1000")["services"]}
        there |= {made["content_id"] for made in one.api.get("/v1/contents?limit=1000")["contents"]}
        self.assertEqual([name for name in acknowledged if name not in there], [])
        print(f"\nserver: {failed} calls failed, {refused} requests refused, 0 of {len(acknowledged)} acknowledged lost", flush=True)

    def test_a_start_on_a_full_disk_is_told_and_goes_well_afterwards(self):
        """At each write of a first start: an error in words and a status, never a crash; the next start finds nothing half made."""
        ends = {}
        for skip in range(ROUNDS):
            for family, error in KINDS.values():
                shutil.rmtree(f"{self.folder}/start", ignore_errors=True)
                box = bench.gateway(f"{self.folder}/start", environment=self.watched(f"{self.folder}/start/state"))
                self.faults.set(family, error, skip)
                try:
                    box.start(ready=10)
                except bench.Failure:
                    status = box.process.wait_end(5)
                    self.assertIn(status, (1, 78), box.process.tail())
                    ends[status] = ends.get(status, 0) + 1
                self.faults.mend()
                if not box.process.is_running:
                    box.start()
                box.admin.get("/v1/status")
                box.kill()
        print(f"\nstart: ended with a status and words {ends}, and every next start went well", flush=True)


if __name__ == "__main__":
    unittest.main()
