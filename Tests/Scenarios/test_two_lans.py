"""Two LANs with a TV on each: both are found, and both play."""

import os

from house import devices
from house.house import TV
from house.lan import Host, Lan
from house.processes import eventually
from scenario import HouseTest


class TwoLans(HouseTest):
    settings = {"proxy": {"interfaces": ["lan0", "lan1"]}, "mdns": {"enabled": False}}

    @classmethod
    def bring_up(cls):
        house = cls.house
        cls.second = Lan("second", "10.78.0")
        cls.second.plug(house.gateway_host, "lan1", 10)
        cls.bedroom_host = Host("bedroom")
        cls.second.plug(cls.bedroom_host, "eth0", 20)
        house.start_tv()
        cls.bedroom = devices.renderer(cls.bedroom_host, house.folder, name="Bedroom TV", udn="7a1e0f6c-0d5b-4c7e-9d4e-0c9f3b1a2d02")
        house.start_gateway()

    def test_both_are_found_and_both_play(self):
        photo = self.api.upload("photo.jpg", "image/jpeg", self.house.media["photo.jpg"])
        clip = self.api.upload("clip.mp4", "video/mp4", self.house.media["clip.mp4"])
        for name, interface in ((TV, "lan0"), ("Bedroom TV", "lan1")):
            entry = eventually(30, f"{name} online", lambda name=name: self.house.online_at_server(name))
            self.assertEqual(entry["attributes"]["interface"], interface)
            for content, path in ((photo, "photo.jpg"), (clip, "clip.mp4")):
                end = self.house.delivered(self.house.server.push(content, entry))
                self.assertEqual(end["state"], "delivered", f"{path} on {name}: {end}")
                self.assertEqual(end["bytes"], os.path.getsize(self.house.media[path]))
