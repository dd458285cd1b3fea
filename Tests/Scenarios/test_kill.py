"""kill -9 in the middle of pushes: nothing that was acknowledged is lost, and nothing is counted twice.

Prints its seed; SEED=… repeats a run. ROUNDS=… makes more of them.
"""

import os
import random
import signal
import time
import unittest

from house.house import NAS, PHONE, TV
from house.processes import Failure, eventually
from house.story import sha256
from scenario import HouseTest

ROUNDS = int(os.environ.get("ROUNDS", "30"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 32))))


class Killing(HouseTest):
    @classmethod
    def bring_up(cls):
        cls.random = random.Random(SEED)
        print(f"seed {SEED}", flush=True)
        house = cls.house
        house.start_responders()
        house.start_devices()
        house.start_gateway()
        house.pair_phone()
        for name in (TV, NAS, PHONE):
            eventually(40, f"{name} online at the server", lambda name=name: house.online_at_server(name))
        cls.big = f"{house.folder}/big.bin"
        with open(cls.big, "wb") as file:
            file.write(cls.random.randbytes(3 << 20))
        cls.contents = {
            PHONE: (house.server.api.upload("big.bin", "application/octet-stream", cls.big), cls.big),
            TV: (house.server.api.upload("photo.jpg", "image/jpeg", house.media["photo.jpg"]), house.media["photo.jpg"]),
        }
        cls.consumers = {name: house.server.pne(name) for name in (PHONE, TV)}

    def kill_the_gateway(self):
        self.house.gateway.kill()
        self.house.gateway.start()

    def kill_the_server(self):
        self.house.server.kill()
        self.house.server.start()

    def kill_the_worker(self):
        for pid in self.house.gateway.workers:
            os.kill(pid, signal.SIGKILL)

    def push(self, name):
        return eventually(20, "the server takes the push", lambda: self._try_push(name))

    def _try_push(self, name):
        try:
            return self.house.server.push(self.contents[name][0], self.consumers[name])
        except OSError:
            return None  # it was just killed

    def tally(self, deliveries, seconds):
        """What is wrong with these deliveries in the end: empty when all is well."""
        wrong = []
        deadline = time.monotonic() + seconds
        for name, delivery in deliveries:
            try:
                end = self.house.delivered(delivery, max(1, deadline - time.monotonic()))
            except Failure:
                wrong.append(f"{delivery['delivery_id']} to {name} was acknowledged and never ended")
                continue
            if end["state"] != "delivered":
                wrong.append(f"{delivery['delivery_id']} to {name}: {end['reason']} ({end['detail']})")
        wanted = sorted(delivery["delivery_id"] for _, delivery in deliveries)
        records = []

        def counted():
            nonlocal records
            records = [record["delivery_id"] for record in self.usage() if record["delivery_id"] in wanted]
            return len(records) >= len(wanted)

        try:
            eventually(max(1, min(10, deadline - time.monotonic())), "usage of all deliveries", counted)
        except Failure:
            wrong.append(f"{len(wanted) - len(set(records))} usage records are lost")
        wrong += [f"{one} was counted {records.count(one)} times" for one in set(records) if records.count(one) > 1]
        return wrong

    def usage(self):
        records, after = [], ""
        while True:
            page = self.api.get(f"/v1/usage?limit=200{after}")["usage"]
            records += page
            if len(page) < 200:
                return records
            after = f"&after={page[-1]['usage_id']}"


class Kill(Killing):
    def test_kills_at_random_moments_lose_nothing(self):
        kills = [self.kill_the_gateway, self.kill_the_worker, self.kill_the_server]
        deliveries = []
        for number in range(ROUNDS):
            name = PHONE if number % 3 else TV
            deliveries.append((name, self.push(name)))
            time.sleep(self.random.uniform(0, 0.6))  # the random moment
            kills[number % len(kills)]()
        wrong = self.tally(deliveries, 180)
        self.assertEqual(wrong, [])
        self.the_inventory_is_whole()
        print(f"{ROUNDS} kills, 0 of {len(deliveries)} deliveries lost, 0 counted twice", flush=True)

    def the_inventory_is_whole(self):
        for name in (TV, NAS, PHONE):
            eventually(60, f"{name} online at the server", lambda name=name: self.house.online_at_server(name))
        at_server = {(entry["entity_id"], entry["name"], entry["kind"]) for entry in self.api.get("/v1/pnes")["pnes"]}
        at_gateway = {(entry["entity_id"], entry["name"], entry["kind"]) for entry in self.admin.get("/v1/pnes")["pnes"]}
        self.assertEqual(at_server, at_gateway)
        received = [entry.path for entry in os.scandir(self.house.phone.inbox) if entry.is_file()]
        self.assertTrue(received)
        for path in received:
            self.assertEqual(sha256(path), sha256(self.big), path)


class Control(Killing):
    """The same checks against a gateway that says yes before it has written: they must catch it."""

    @classmethod
    def bring_up(cls):
        # Known to debug builds only.
        cls.house.gateway.environment["PNGW_STORE"] = "unsafe-for-testing"
        super().bring_up()

    def test_a_store_that_lies_is_caught(self):
        for _ in range(ROUNDS):
            mark = len(self.house.phone.process.lines)
            delivery = self.push(PHONE)
            self.house.phone.process.wait_line("^received", 60, after=mark)
            time.sleep(self.random.uniform(0, 0.3))
            self.kill_the_gateway()
            if self.tally([(PHONE, delivery)], 6):
                return
        self.fail(f"{ROUNDS} kills, and the checks noticed nothing: they are worth nothing")


del Killing  # the base is no test


if __name__ == "__main__":
    unittest.main()
