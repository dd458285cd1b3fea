"""make run LAN=eth0: the same gateway and CPNS Server on a real interface, without the house's devices."""

import os
import signal
import socket
import time

from .lan import outside
from .processes import Failure, eventually
from .programs import ROOT, Gateway, Server
from .story import Narrator, follow


class RealHouse:
    def __init__(self, interface):
        self.folder = f"{ROOT}/.build/house/{interface}"
        machine = outside()
        self.server = Server(machine, f"{self.folder}/server", address="127.0.0.1")
        self.gateway = Gateway(
            machine, f"{self.folder}/gateway", [interface], name=f"pngw on {socket.gethostname()}",
            settings={"mdns": {"enabled": os.path.exists("/run/dbus/system_bus_socket")}})

    @property
    def uplink(self):
        return self.gateway.admin.get("/v1/status")["uplink"]["state"]


def run(interface, once):
    tell = Narrator()
    if interface not in os.listdir("/sys/class/net"):
        tell.say(f"there is no interface {interface}; there are {', '.join(sorted(os.listdir('/sys/class/net')))}")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    house = RealHouse(interface)
    try:
        house.server.start()
        house.gateway.start()
        if house.uplink == "not-enrolled":
            house.gateway.enrol(house.server)
        eventually(10, "the uplink stands", lambda: house.uplink == "connected")
        tell.say(f"pngwd looks for DLNA devices on {interface} and waits for PNEs; its state stays in {house.folder}")
        follow(house, tell)
        tell.say(f"pair a PNE: .build/release/pngw pngwctl pair --socket {house.gateway.socket}. Ctrl-C ends it")
        while not once:
            entries = house.gateway.admin.get("/v1/pnes")["pnes"]
            tell.status(f"uplink {house.uplink}, {len(entries)} PNEs known")
            time.sleep(1)
        return 0
    except Failure as failure:
        tell.say(f"it did not work: {failure}")
        return 1
    except KeyboardInterrupt:
        tell.say("ending what was started")
        return 0
    finally:
        for program in (house.gateway, house.server):
            if program.process:
                program.stop()
