"""A PNE that was written from the documents alone, against our gateway and server."""

import os
import sys
import unittest

from house import sandbox
from house.house import House
from house.processes import Process, eventually

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "python pne"


class PythonPNE(unittest.TestCase):
    """Each test goes on where the one before it ended: first it pairs, then it has its key."""

    @classmethod
    def setUpClass(cls):
        if not sandbox.is_inside():
            raise RuntimeError("run this by Tests/Interop/run, which gives it a network of its own")
        cls.house = House(settings={"mdns": {"enabled": False}, "proxy": {"enabled": False}})
        cls.house.start_gateway()

    @classmethod
    def tearDownClass(cls):
        for program in (cls.house.gateway, cls.house.server):
            if program.process and program.process.is_running:
                program.stop()

    def receive(self, *words):
        """Starts the PNE, sends it something from the server, and checks that all three tell the same of it."""
        house = self.house
        usage = len(house.server.api.get("/v1/usage")["usage"])
        folder = f"{house.folder}/interop"
        os.makedirs(folder, exist_ok=True)
        pne = Process(
            NAME, house.phone_host,
            [sys.executable, f"{HERE}/pne.py", "--gateway", "10.77.0.10:7421", "--state", f"{folder}/state.json", "--name", NAME, "--once",
             "--timeout", "60", *words],
            f"{folder}/pne.log")
        entry = eventually(30, "the PNE is online at the server", lambda: house.online_at_server(NAME))
        content = house.server.api.upload("clip.mp4", "video/mp4", house.media["clip.mp4"])
        end = house.delivered(house.server.push(content, entry))
        self.assertEqual((end["state"], end["bytes"]), ("delivered", content["size"]), end)
        self.assertEqual(end["sha256"], content["sha256"])
        self.assertEqual(pne.popen.wait(30), 0, "\n".join(pne.lines))
        eventually(10, "one usage record more", lambda: len(house.server.api.get("/v1/usage")["usage"]) == usage + 1)
        return entry["entity_id"]

    def test_1_it_pairs_registers_and_receives(self):
        type(self).entity = self.receive("--pair", self.house.gateway.pairing_code())

    def test_2_it_comes_back_with_its_key_as_the_same_pne(self):
        eventually(30, "it is offline", lambda: self.house.server.pne(NAME)["availability"] == "offline")
        self.assertEqual(self.receive(), self.entity)


if __name__ == "__main__":
    unittest.main()
