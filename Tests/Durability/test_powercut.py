"""Power cuts: what was acknowledged is on disk, whatever of the rest is.

A gateway and a server are loaded while every change that they make to their disk is recorded. Then the power is cut at ROUNDS random moments
of that recording: each gives a disk as it may be afterwards (playback.py), on which the program must start with all that it had
acknowledged until then. A store that does not flush is the control: it must lose something.
"""

import os
import random
import shutil
import threading
import unittest

import bench
import playback

# `ROUNDS=500` is the long form.
ROUNDS = int(os.environ.get("ROUNDS", "24"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 32))))
WRITERS = 4
# The gateway keeps 128 deliveries for a PNE that is away.
MOST = 120


class Recording(unittest.TestCase):
    """The machinery; the classes below say which program and which load."""

    @classmethod
    def setUpClass(cls):
        cls.folder = bench.memory_folder("powercut")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.log = f"{cls.folder}/log"
        print(f"seed {SEED}", flush=True)

    def watched(self, root, extra=None):
        return {"LD_PRELOAD": bench.preloaded("disk"), "DISK_ROOT": root, "DISK_LOG": self.log, **(extra or {})}

    def load(self, work, count):
        """`work(number)` gives what was acknowledged; WRITERS of them at once, as group commits want it."""
        failures = []

        def write(first):
            for number in range(first, count, WRITERS):
                try:
                    playback.acknowledge(self.log, work(number))
                except Exception as error:  # told below
                    failures.append(f"{number}: {error}")
                    return

        threads = [threading.Thread(target=write, args=(first,)) for first in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def cut(self, disk, state, look, rounds):
        """Cuts the power `rounds` times. Returns (acknowledged in all, lost)."""
        acknowledged, lost = 0, []
        for number, told, chance in playback.cuts(disk, self.log, rounds, SEED):
            shutil.rmtree(state, ignore_errors=True)
            os.makedirs(state, mode=0o700)
            # Every fourth: exactly what was flushed, and nothing else.
            disk.write_after_a_cut(state, None if number % 4 == 0 else chance)
            try:
                there = look()
                lost += [f"cut {number}: {one}" for one in told if one not in there]
            except bench.Failure as error:
                lost.append(f"cut {number}: {error}")
            acknowledged += len(told)
        return acknowledged, lost


class Gateway(Recording):
    def setUp(self):
        self.home = f"{self.folder}/{self.id().rsplit('.', 1)[1]}"
        box = bench.gateway(self.home)
        box.start()
        phone = bench.phone(f"{self.home}/phone")
        self.consumer = bench.pair(box, phone)
        phone.process.stop()
        box.stop()
        self.state = f"{self.home}/state"

    def record(self, count, extra=None):
        if os.path.exists(self.log):
            os.unlink(self.log)
        box = bench.gateway(self.home, environment=self.watched(self.state, extra))
        self.first = playback.Disk(self.state)
        box.start()
        try:
            self.load(lambda number: bench.push(box, self.consumer, number), count)
        finally:
            box.kill()

    def look(self):
        box = bench.gateway(self.home)
        try:
            box.start()
            return bench.deliveries(box)
        finally:
            box.kill()

    def test_no_delivery_that_was_acknowledged_is_lost(self):
        self.record(MOST)
        acknowledged, lost = self.cut(self.first, self.state, self.look, ROUNDS)
        self.assertEqual(lost, [])
        print(f"\ngateway: {ROUNDS} power cuts, 0 of {acknowledged} acknowledged deliveries lost", flush=True)

    def test_the_control_that_does_not_flush_is_caught(self):
        # Known to debug builds only.
        self.record(60, {"PNGW_STORE": "unsafe-for-testing"})
        acknowledged, lost = self.cut(self.first, self.state, self.look, 8)
        self.assertNotEqual(lost, [], "the checks noticed nothing: they are worth nothing")
        print(f"\ngateway, control: {len(lost)} of {acknowledged} lost", flush=True)


class Server(Recording):
    def setUp(self):
        self.home = f"{self.folder}/{self.id().rsplit('.', 1)[1]}"
        self.state = f"{self.home}/state"
        # From the first start on: keys and database are made while it is recorded.
        os.makedirs(self.state, mode=0o700)

    def record(self, count, extra=None):
        if os.path.exists(self.log):
            os.unlink(self.log)
        one = bench.server(self.home, environment=self.watched(self.state, extra))
        self.first = playback.Disk(self.state)
        one.start()

        def work(number):
            if number % 3 == 0:
                data = bench.content(number)
                made = one.api.ask("POST", f"/v1/contents?name=c{number}.txt", body=data, headers={"Content-Type": "text/plain"})
                return f"{made['content_id']} {bench.sha(data)}"
            return one.api.post("/v1/services", {
                "name": f"s{number}", "service_type": "test", "keywords": ["test"], "required_media_types": []})["service_id"]

        try:
            self.load(work, count)
        finally:
            one.kill()

    def look(self):
        one = bench.server(self.home)
        try:
            one.start()
            there = {service["service_id"] for service in one.api.get("/v1/services?limit=1000")["services"]}
            files = {}
            for name in os.listdir(f"{self.state}/content"):
                with open(f"{self.state}/content/{name}", "rb") as file:
                    files[f"urn:uuid:{name}"] = bench.sha(file.read())
            for made in one.api.get("/v1/contents?limit=1000")["contents"]:
                there.add(f"{made['content_id']} {files.get(made['content_id'])}")
            return there
        finally:
            one.kill()

    def test_no_service_and_no_content_that_was_acknowledged_is_lost(self):
        self.record(160)
        acknowledged, lost = self.cut(self.first, self.state, self.look, ROUNDS)
        self.assertEqual(lost, [])
        print(f"\nserver: {ROUNDS} power cuts, 0 of {acknowledged} acknowledged services and contents lost", flush=True)

    def test_the_control_that_does_not_flush_is_caught(self):
        self.record(60, {"CPNSD_STORE": "unsafe-for-testing"})
        acknowledged, lost = self.cut(self.first, self.state, self.look, 8)
        self.assertNotEqual(lost, [], "the checks noticed nothing: they are worth nothing")
        print(f"\nserver, control: {len(lost)} of {acknowledged} lost", flush=True)


if __name__ == "__main__":
    unittest.main()
