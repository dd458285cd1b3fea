"""After a restart of any of the three programs, everything is back without a person."""

from house.house import NAS, PHONE, TV
from house.processes import eventually
from scenario import HouseTest


class Restart(HouseTest):
    @classmethod
    def bring_up(cls):
        cls.house.start_responders()
        cls.house.start_devices()
        cls.house.start_gateway()
        cls.house.pair_phone()
        cls.all_online()

    @classmethod
    def all_online(cls):
        for name in (TV, NAS, PHONE):
            eventually(40, f"{name} online at the server", lambda name=name: cls.house.online_at_server(name))

    def ids(self):
        return {entry["name"]: entry["entity_id"] for entry in self.api.get("/v1/pnes")["pnes"]}

    def push_a_photo(self):
        content = self.api.upload("photo.jpg", "image/jpeg", self.house.media["photo.jpg"])
        end = self.house.delivered(self.house.server.push(content, self.house.server.pne(TV)))
        self.assertEqual(end["state"], "delivered", end)

    def test_the_gateway(self):
        before = self.ids()
        self.house.gateway.stop()
        self.house.gateway.start()
        eventually(20, "the uplink stands", lambda: self.house.uplink == "connected")
        self.all_online()
        self.assertEqual(self.ids(), before)
        self.push_a_photo()

    def test_the_server(self):
        before = self.ids()
        self.house.server.stop()
        self.house.server.start()
        eventually(20, "the uplink stands", lambda: self.house.uplink == "connected")
        self.all_online()
        self.assertEqual(self.ids(), before)
        self.push_a_photo()

    def test_the_pne(self):
        before = self.ids()
        self.house.phone.stop()
        eventually(20, "the server sees it offline", lambda: self.house.server.pne(PHONE)["availability"] == "offline")
        # Without a code: it has its key.
        self.house.phone.start(ready=30)
        self.all_online()
        self.assertEqual(self.ids(), before)

    def test_the_responder(self):
        self.house.phone.stop()
        self.house.responder.kill()
        self.house.responder.start()
        self.house.phone.start(ready=40)
        self.all_online()
