"""What `make run` does and tells: the main job, end to end, with real parts."""

import hashlib
import os
import signal
import sys
import threading
import time

from . import media
from .house import NAS, PHONE, TV, House
from .processes import Failure, eventually
from .programs import binaries


class Narrator:
    """Tells what happens, one plain sentence a line, with the time since the start."""

    def __init__(self):
        self.began = time.monotonic()
        self._lock = threading.Lock()
        self._has_status = False

    def say(self, text):
        with self._lock:
            self._wipe()
            print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def status(self, text):
        """A line that is written over by the next one; only where there is a person's terminal."""
        if not sys.stdout.isatty():
            return
        with self._lock:
            self._wipe()
            print(text[:100], end="", flush=True)
            self._has_status = True

    def _wipe(self):
        if self._has_status:
            print("\r\033[K", end="")
            self._has_status = False


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bring_up(house, tell):
    tell.say("the house: gateway, TV, media server and phone on one LAN, the CPNS Server beyond it")
    house.start_responders()
    house.start_devices()
    house.start_gateway()
    tell.say(f"cpnsd made its certificates and is ready; pngwd is ready ({house.gateway.ready_seconds * 1000:.0f} ms) and enrolled by a claim code")
    follow(house, tell)
    code = house.gateway.pairing_code()
    tell.say(f"pngwctl pair shows the code {code}; the phone's owner types it in")
    house.phone.start(code=code, ready=30)
    for name, what in ((TV, "gmediarender"), (NAS, "minidlna"), (PHONE, "pne")):
        eventually(30, f"{name} is in the server's inventory", lambda name=name: house.online_at_server(name))
        tell.say(f"the CPNS Server's inventory has the {name} ({what}), online")


def follow(house, tell):
    """Repeats what the gateway tells of itself."""

    def repeat():
        try:
            for event in house.gateway.admin.events():
                if event["kind"] != "delivery-progress":
                    tell.say(f"gateway: {event['text']}")
        except OSError:
            return  # it has ended

    threading.Thread(target=repeat, daemon=True).start()


def push(house, tell, name):
    """From the CPNS Server to the TV."""
    path = house.media[name]
    content = house.server.api.upload(name, media.TYPES[name], path)
    tell.say(f"{name} ({os.path.getsize(path)} bytes) is uploaded over CPNS-4 and pushed to the {TV}")
    end = house.delivered(house.server.push(content, house.server.pne(TV)))
    if end["state"] != "delivered":
        raise Failure(f"{name} was not delivered: {end['reason']} ({end['detail']})")
    tell.say(f"the server has the result: {name} delivered, the TV read {end['bytes']} of {content['size']} bytes")
    if end["bytes"] != content["size"]:
        raise Failure(f"the TV read {end['bytes']} bytes of {name}, which has {content['size']}")


def forward(house, tell):
    """From the media server to the phone."""
    nas, phone = house.gateway.entry(NAS), house.gateway.entry(PHONE)
    track = eventually(30, "a track in the media server's library", lambda: find_track(house, nas, "0", 4))
    delivery = house.gateway.admin.post(
        "/v1/deliveries", {"consumer": phone["entity_id"], "from": nas["entity_id"], "object": track["id"]})
    match, _ = house.phone.process.wait_line(r"^received (.+?) (\d+) bytes sha256 ([0-9a-f]{64})", 60)
    if match[3] not in (sha256(house.media["track.mp3"]), sha256(house.media["song.mp3"])):
        raise Failure(f"the phone got {match[2]} bytes that are not the track's")
    tell.say(f"the phone has \"{match[1]}\" from the {NAS}, and its SHA-256 is the file's")
    return delivery


def find_track(house, nas, container, depth):
    """The first track below `container`."""
    listing = house.gateway.admin.get(f"/v1/pnes/{nas['entity_id']}/objects?container={container.replace('$', '%24')}&start=0&count=50")
    for item in listing["objects"]:
        if not item["is_container"] and "audio" in item["class"]:
            return item
    if depth > 0:
        for item in listing["objects"]:
            if item["is_container"]:
                found = find_track(house, nas, item["id"], depth - 1)
                if found:
                    return found
    return None


def check_usage(house, tell):
    records = eventually(
        20, "three usage records at the server",
        lambda: (lambda usage: usage if len(usage) >= 3 else None)(house.server.api.get("/v1/usage")["usage"]))
    if len(records) != 3:
        raise Failure(f"{len(records)} usage records at the server, 3 deliveries took place")
    tell.say("the server has three usage records, one for each delivery")


def stay(house, tell):
    tell.say(f"everything is up. Look for yourself: {binaries()}/pngw pngwctl status --socket {house.gateway.socket}. Ctrl-C ends it all")
    while True:
        entries = house.gateway.admin.get("/v1/pnes")["pnes"]
        online = [entry["name"] for entry in entries if entry["availability"] == "online"]
        tell.status(f"uplink {house.uplink}, {len(online)} of {len(entries)} PNEs online: {', '.join(online)}")
        time.sleep(1)


def run(once):
    tell = Narrator()
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    house = House()
    try:
        bring_up(house, tell)
        push(house, tell, "photo.jpg")
        push(house, tell, "clip.mp4")
        forward(house, tell)
        check_usage(house, tell)
        if not once:
            stay(house, tell)
        tell.say("all of it worked")
        return 0
    except Failure as failure:
        tell.say(f"it did not work: {failure}")
        tell.say(f"the logs are in {house.folder}")
        return 1
    except KeyboardInterrupt:
        tell.say("ending everything that was started")
        return 0 if not once else 130
    finally:
        for program in (house.phone, house.gateway, house.server):
            if program.process:
                program.stop()
