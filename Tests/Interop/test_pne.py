"""A PNE that was written from the documents alone, against our gateway and server."""

import os
import sys
import unittest

from house import sandbox
from house.house import House
from house.processes import Process, eventually
from house.programs import Element

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

    def start(self, *words):
        folder = f"{self.house.folder}/interop"
        os.makedirs(folder, exist_ok=True)
        return Process(
            NAME, self.house.phone_host,
            [sys.executable, f"{HERE}/pne.py", "--gateway", "10.77.0.10:7421", "--state", f"{folder}/state.json", "--name", NAME,
             "--timeout", "60", *words],
            f"{folder}/pne.log")

    def receive(self, *words):
        """Starts the PNE, sends it something from the server, and checks that all three tell the same of it."""
        house = self.house
        usage = len(house.server.api.get("/v1/usage")["usage"])
        pne = self.start("--once", *words)
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

    def test_3_it_sees_its_network_and_reaches_its_neighbour(self):
        """Inventories of gateway and server page by page, and a status that another PNE answers through the gateway."""
        phone = Element(self.house.phone_host, f"{self.house.folder}/neighbour", "neighbour", gateway="10.77.0.10:7421", extra=["--watch"])
        phone.start(code=self.house.gateway.pairing_code(), ready=20)
        eventually(20, "the neighbour is online at the server", lambda: self.house.online_at_server("neighbour"))
        python = self.start("--look")
        python.wait_line(f"the gateway knows neighbour, {NAME}", 20)
        python.wait_line(f"the server knows neighbour, {NAME}", 20)
        python.wait_line("neighbour says that it is AVAILABILITY_ONLINE", 20)
        phone.process.wait_line(f"^status {self.entity} online", 20)
        python.kill()
        phone.process.wait_line(rf"^status {self.entity} offline \(link-lost\)", 20)
        phone.stop()
        python = self.start("--look")
        python.wait_line("neighbour: UNREACHABLE|neighbour: CODE_UNREACHABLE", 20)
        python.kill()


if __name__ == "__main__":
    unittest.main()
