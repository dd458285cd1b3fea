"""kill -9 at random moments under load: nothing that was acknowledged is lost, and nothing counts twice.

Contents are pushed to a PNE by the gateway's administrator and by the server while gateway and server are killed in turn. Every BATCH kills all
comes to rest, and each acknowledged push must have ended well, with one usage record at the server. ROUNDS=1000 is the long form; SEED=…
repeats a run.
"""

import http.client
import os
import random
import shutil
import threading
import time
import unittest

import bench
from house.clients import Refused

ROUNDS = int(os.environ.get("ROUNDS", "30"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 32))))
BATCH = 10
# A delivery that was begun 20 times and never ended is given up, and told as failed. That is no loss, but rare it must be.
MOST_GIVEN_UP = 0.01
# A push each so many seconds at most: the PNE's inbox is to keep up.
PACE = 0.02


class Kill(unittest.TestCase):
    def setUp(self):
        self.folder = bench.memory_folder("kill")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.chance = random.Random(SEED)
        print(f"\nseed {SEED}", flush=True)
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
        data = f"{self.folder}/file"
        with open(data, "wb") as file:
            file.write(bench.content(7) * 40)
        bench.eventually(20, "the server knows the PNE", lambda: self.server.pne(bench.PHONE))
        self.content = self.server.api.upload("file.txt", "text/plain", data)

    def by_the_gateway(self, number):
        return bench.push(self.box, self.consumer, number)

    def by_the_server(self, _):
        return self.server.push(self.content, {"entity_id": self.consumer})["delivery_id"]

    def keep_pushing(self, work, acknowledged, end):
        number = 0
        while not end.wait(PACE):
            number += 1
            try:
                acknowledged.append(work(number))
            except (OSError, http.client.HTTPException, Refused, ValueError):
                continue  # it was just killed, or still starts

    def test_kills_at_random_moments_lose_nothing(self):
        kills = total = 0
        self.given_up = 0
        while kills < ROUNDS:
            pushes = {"gateway": [], "server": []}
            end = threading.Event()
            threads = [
                threading.Thread(target=self.keep_pushing, args=(work, pushes[name], end))
                for name, work in (("gateway", self.by_the_gateway), ("server", self.by_the_server))]
            for thread in threads:
                thread.start()
            for _ in range(min(BATCH, ROUNDS - kills)):
                victim = self.server if self.chance.random() < 0.3 else self.box
                time.sleep(self.chance.uniform(0, 0.25))  # the random moment
                victim.kill()
                victim.start()
                kills += 1
            end.set()
            for thread in threads:
                thread.join()
            total += len(pushes["gateway"]) + len(pushes["server"])
            self.assertEqual(self.tally(pushes), [])
        print(f"\nkill: {kills} kills, 0 of {total} acknowledged pushes lost, 0 counted twice, {self.given_up} given up and told", flush=True)
        self.assertLessEqual(self.given_up, total * MOST_GIVEN_UP)

    def tally(self, pushes):
        """What is wrong in the end."""
        wrong = []
        for name in pushes["server"]:
            end = self.ending(lambda name=name: self.server.api.get(f"/v1/deliveries/{name}"))
            if end.get("reason") == "given-up":
                self.given_up += 1
                pushes["server"] = [one for one in pushes["server"] if one != name]
            elif end["state"] != "delivered":
                wrong.append(f"{name} by the server: {end['state']}, {end.get('reason')} {end.get('detail')}")
        for name in pushes["gateway"]:
            end = self.ending(lambda name=name: self.box.admin.get(f"/v1/deliveries/{name}"))
            if end.get("reason") == "given-up":
                self.given_up += 1
                pushes["gateway"] = [one for one in pushes["gateway"] if one != name]
            elif end["state"] != "delivered":
                wrong.append(f"{name} by the gateway: {end['state']}, {end.get('reason')} {end.get('detail')}")
        wanted = pushes["server"] + pushes["gateway"]
        records = []

        def counted():
            nonlocal records
            records = self.usage()
            return set(wanted) <= set(records)

        try:
            bench.eventually(60, "usage of all deliveries", counted, every=0.5)
        except bench.Failure:
            wrong += [f"{name} has no usage record" for name in set(wanted) - set(records)]
        wrong += [f"{name} was counted {records.count(name)} times" for name in wanted if records.count(name) > 1]
        return wrong

    @staticmethod
    def ending(ask):
        try:
            return bench.eventually(60, "the delivery's end", lambda: (lambda now: now if now["state"] in ("delivered", "failed") else None)(ask()))
        except bench.Failure:
            return {"state": "never ended"}
        except Refused as refusal:
            return {"state": f"lost ({refusal})"}

    def usage(self):
        records, after = [], ""
        while True:
            page = self.server.api.get(f"/v1/usage?limit=500{after}")["usage"]
            records += [one["delivery_id"] for one in page]
            if len(page) < 500:
                return records
            after = f"&after={page[-1]['usage_id']}"


if __name__ == "__main__":
    unittest.main()
