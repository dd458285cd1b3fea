"""The programs of the durability suites: a server, a gateway and a PNE on the loopback of a sandbox, with a disk that is watched."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile

from house import lan, sandbox
from house.processes import Failure, eventually
from house.programs import ROOT, Element, Gateway, Server, binaries

HERE = os.path.dirname(os.path.abspath(__file__))
PHONE = "Phone"


def preloaded(name):
    """The library that NAME.c makes, built once and when it has changed."""
    source, library = f"{HERE}/{name}.c", f"{ROOT}/.build/durability/{name}.so"
    if not os.path.exists(library) or os.path.getmtime(library) < os.path.getmtime(source):
        os.makedirs(os.path.dirname(library), exist_ok=True)
        made = f"{library}.{os.getpid()}"
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", made, source, "-ldl", "-lpthread"], check=True)
        os.replace(made, library)
    return library


def clock(text):
    """The environment for a wrong clock: `+21d`, or `1970`, or nothing for the right one."""
    if not text:
        return {}
    seconds = "@10" if text == "1970" else f"+{int(text[1:-1]) * 86_400}"
    return {"LD_PRELOAD": preloaded("clock"), "WRONG_CLOCK": seconds}


def memory_folder(prefix):
    """On a file system in memory: what is written here wears no disk, and there is room for recordings."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return tempfile.mkdtemp(prefix=f"pngw-{prefix}-", dir=base)


def gateway(folder, environment=None, settings=None, name="Box"):
    return Gateway(lan.outside(), folder, [], environment=environment, name=name, settings={
        "proxy": {"enabled": False, "interfaces": []}, "mdns": {"enabled": False},
        "uplink": {"backoff_first_ms": 50, "backoff_limit_seconds": 1}, "log": {"level": "warning"}, **(settings or {})})


def server(folder, environment=None, settings=None):
    one = Server(lan.outside(), folder, address="127.0.0.1", settings={"log": {"level": "warning"}, **(settings or {})})
    one.environment = environment or {}
    return one


def phone(folder):
    return Element(lan.outside(), folder, PHONE, gateway="127.0.0.1:7421")


def pair(box, one):
    one.start(code=box.pairing_code(), ready=30)
    return box.entry(PHONE)["entity_id"]


def content(number):
    return f"{number} ".encode() * (20 + number % 50)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def push(box, consumer, number):
    """A small content to a PNE. Returns the delivery's id once the gateway has acknowledged it."""
    staged = box.admin.ask("POST", f"/v1/contents?name=c{number}.txt", body=content(number), headers={"Content-Type": "text/plain"})
    return box.admin.post("/v1/deliveries", {"consumer": consumer, "content_id": staged["content_id"]})["delivery_id"]


def deliveries(box):
    return {one["delivery_id"]: one for one in box.admin.get("/v1/deliveries?limit=1000")["deliveries"]}


def copy_of(folder, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.sock", "*.log"))
    return target


__all__ = [
    "Failure", "PHONE", "clock", "content", "copy_of", "deliveries", "eventually", "gateway", "json", "memory_folder", "pair", "phone", "preloaded", "push",
    "sandbox", "server", "sha", "binaries"]
