"""The house: a LAN with a gateway, a TV, a media server and a PNE, and a CPNS Server beyond it.

            wan 10.99.0.0/24                lan 10.77.0.0/24
   server ──────────────────────── gateway ──────┬──────┬───────┐
   cpnsd .2                    .1  pngwd   .10   │      │       │
                                   avahi         tv     nas     phone
                                                 .20    .30     .40
                                        gmediarender  minidlna  pne, avahi
"""

import os
import tempfile

from . import devices, media
from .lan import Host, Lan
from .processes import eventually
from .programs import ROOT, Element, Gateway, Server

TV, NAS, PHONE = "Living Room TV", "House NAS", "Phone"


class House:
    def __init__(self, folder=None, settings=None, server_settings=None):
        self.folder = folder or tempfile.mkdtemp(prefix="pngw-house-")
        os.makedirs(self.folder, exist_ok=True)
        self.media = media.make(f"{ROOT}/.build/house/media")
        self.lan = Lan("lan", "10.77.0")
        self.wan = Lan("wan", "10.99.0")
        self.gateway_host, self.server_host = Host("gateway"), Host("server")
        self.tv_host, self.nas_host, self.phone_host = Host("tv"), Host("nas"), Host("phone")
        self.lan.plug(self.gateway_host, "lan0", 10)
        self.wan.plug(self.gateway_host, "wan0", 1)
        self.wan.plug(self.server_host, "eth0", 2)
        self.lan.plug(self.tv_host, "eth0", 20)
        self.lan.plug(self.nas_host, "eth0", 30)
        self.lan.plug(self.phone_host, "eth0", 40)
        self.server = Server(self.server_host, f"{self.folder}/server", settings=server_settings)
        self.responder = devices.Responder(self.gateway_host, self.folder, interface="lan0")
        self.gateway = Gateway(
            self.gateway_host, f"{self.folder}/gateway", ["lan0"], settings=settings, environment=self.responder.environment)
        self.phone_responder = devices.Responder(self.phone_host, self.folder)
        self.phone = Element(self.phone_host, f"{self.folder}/phone", PHONE, environment=self.phone_responder.environment)
        self.tv = self.nas = None

    # Each part by itself, so that a scenario starts what it needs.

    def start_responders(self):
        self.responder.start()
        self.phone_responder.start()

    def start_devices(self):
        self.start_tv()
        self.nas = devices.media_server(self.nas_host, self.folder, [self.media["track.mp3"], self.media["song.mp3"]])

    def start_tv(self):
        self.tv = devices.renderer(self.tv_host, self.folder, name=TV)
        return self.tv

    def start_gateway(self):
        """Server and gateway, enrolled."""
        self.server.start()
        self.gateway.start()
        self.gateway.enrol(self.server)
        eventually(10, "the uplink stands", lambda: self.uplink == "connected")

    def pair_phone(self, seconds=30):
        self.phone.start(code=self.gateway.pairing_code(), ready=seconds)

    @property
    def uplink(self):
        return self.gateway.admin.get("/v1/status")["uplink"]["state"]

    def online_at_server(self, name):
        entry = self.server.pne(name)
        return entry if entry and entry["availability"] == "online" else None

    def delivered(self, delivery, seconds=60):
        """Waits for the delivery's end at the server."""
        return eventually(
            seconds, f"the end of delivery {delivery['delivery_id']}",
            lambda: (lambda now: now if now["state"] in ("delivered", "failed") else None)(self.server.delivery(delivery)))
