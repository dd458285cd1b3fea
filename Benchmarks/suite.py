"""The benchmarks, each a function that returns rows (what, value, goal)."""

import os
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from house import devices
from house.fakes import FakeRenderer
from house.house import TV, House
from house.processes import Process, eventually
from house.programs import Element, binaries
from measure import cpu, pss, spread, threads

ROUNDS = int(os.environ.get("ROUNDS", "5"))
RELAY_BYTES = int(os.environ.get("RELAY_MIB", "256")) << 20


def sizes():
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, goal in (("pngw", "20"), ("cpnsd", "–"), ("pne", "–")):
            subprocess.run(["strip", "-o", f"{folder}/{name}", f"{binaries()}/{name}"], check=True)
            rows.append((f"size of {name}, stripped", f"{os.path.getsize(f'{folder}/{name}') / 1e6:.1f} MB", goal if goal == "–" else f"≤ {goal} MB"))
    return rows


def start_to_ready(house):
    house.start_gateway()
    seconds = []
    for _ in range(ROUNDS):
        house.gateway.stop()
        house.gateway.start()
        seconds.append(house.gateway.ready_seconds * 1000)
    return [("start to ready", spread(seconds, "ms", 0), "≤ 150 ms (P13)")]


def memory(house):
    """Idle with the uplink up, then with 50 PNEs."""
    eventually(20, "the uplink stands", lambda: house.uplink == "connected")
    house.start_tv()
    eventually(20, "the TV is online", lambda: house.online_at_server(TV))
    time.sleep(3)  # what starting cost has been given back by then
    rows = memory_rows(house, "idle, uplink up, 1 device")
    before = pss(house.gateway.process.pid)
    elements = []
    for number in range(50):
        element = Element(
            house.phone_host, f"{house.folder}/element-{number}", f"PNE {number}", gateway="10.77.0.10:7421")
        element.start(code=house.gateway.pairing_code(), ready=20)
        elements.append(element)
    time.sleep(3)
    rows += memory_rows(house, "with 50 PNEs")[:1]
    rows.append(("… a PNE", f"{(pss(house.gateway.process.pid) - before) * 1024 / 50:.0f} kB", "–"))
    for element in elements:
        element.stop()
    return rows


def memory_rows(house, when):
    worker = house.gateway.workers[0]
    pid = house.gateway.process.pid
    return [
        (f"PSS of pngwd {when}", f"{pss(pid):.1f} MB, {threads(pid)} threads", "≤ 20 MB (P1)"),
        ("PSS of its worker", f"{pss(worker):.1f} MB, {threads(worker)} threads", "≤ 8 MB"),
    ]


def alive_to_inventory(house):
    """From a device's first alive on the wire to its PNE at the server."""
    times = []
    for number in range(ROUNDS):
        name = f"Bench TV {number}"
        began = time.monotonic()
        fake = FakeRenderer(house.tv_host, "10.77.0.20", name, f"7a1e0f6c-0d5b-4c7e-9d4e-0c9f3b1a3d{number:02d}", port=49800 + number)
        eventually(20, f"{name} at the server", lambda name=name: house.server.pne(name), every=0.002)
        times.append((time.monotonic() - began) * 1000)
        fake.say_goodbye()
        fake.close()
    return [("a device's alive to its PNE in the server's inventory", spread(times, "ms", 0), "P9")]


# Relay beside nginx


def relay(house):
    folder = tempfile.mkdtemp(prefix="pngw-bench-")
    path = f"{folder}/film.mp4"
    with open(path, "wb") as file:
        file.truncate(0)
        for _ in range(RELAY_BYTES >> 20):
            file.write(os.urandom(1 << 20))
    fake = FakeRenderer(house.tv_host, "10.77.0.20", "Reader", "7a1e0f6c-0d5b-4c7e-9d4e-0c9f3b1a4d01", port=49900)
    consumer = eventually(20, "the reader at the server", lambda: house.online_at_server("Reader"))
    content = house.server.api.upload("film.mp4", "video/mp4", path)
    house.server.push(content, consumer)
    fake.played.wait(60)
    eventually(60, "the gateway has the film", lambda: staged(house) >= RELAY_BYTES)
    ours = [fake.uri, [house.gateway.process.pid]]
    nginx = start_nginx(house, folder)
    theirs = ["http://10.77.0.10:8088/film.mp4", nginx_pids(nginx)]
    rows = []
    for readers in (1, 8):
        results = {"ours": [], "nginx": []}
        for _ in range(ROUNDS):
            for name, (url, pids) in (("ours", ours), ("nginx", theirs)):
                results[name].append(read(house, url, pids, readers))
        rows += relay_rows(readers, results)
    nginx.stop()
    fake.state = "STOPPED"
    fake.close()
    shutil.rmtree(folder)
    return rows


def relay_rows(readers, results):
    def median(name, index):
        return statistics.median(result[index] for result in results[name])

    seconds = median("ours", 0) / median("nginx", 0)
    processor = median("ours", 1) / max(median("nginx", 1), 0.01)
    rate = readers * RELAY_BYTES / median("ours", 0) / 1e6
    gigabytes = readers * RELAY_BYTES / 1e9
    return [
        (f"relay to {readers} reader{'s' if readers > 1 else ''}: throughput, nginx = 1", f"{1 / seconds:.2f} ({rate:.0f} MB/s)", "–"),
        ("… processor time, nginx = 1", f"{processor:.2f} ({median('ours', 1) / gigabytes:.2f} s and {median('nginx', 1) / gigabytes:.2f} s a GB)", "≤ 1 (P7)"),
    ]


def staged(house):
    folder = f"{house.gateway.folder}/state/content"
    return max((os.path.getsize(f"{folder}/{name}") for name in os.listdir(folder)), default=0)


def read(house, url, pids, readers):
    """Wall and processor seconds of the server for `readers` at once."""
    address, port, target = re.match(r"http://([\d.]+):(\d+)(/.*)", url).groups()
    before, began = cpu(pids), time.monotonic()
    failures = []

    def one():
        with house.tv_host.connect(address, int(port)) as connection:
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
            buffer, total = bytearray(1 << 20), 0
            while count := connection.recv_into(buffer):
                total += count
            if total < RELAY_BYTES:
                failures.append(total)

    group = [threading.Thread(target=one) for _ in range(readers)]
    for thread in group:
        thread.start()
    for thread in group:
        thread.join()
    if failures:
        raise RuntimeError(f"{url}: readers got {failures} of {RELAY_BYTES} bytes")
    return time.monotonic() - began, cpu(pids) - before


def start_nginx(house, folder):
    """At the defaults of Debian's package: sendfile on, a worker for each processor."""
    config = f"{folder}/nginx.conf"
    with open(config, "w", encoding="utf-8") as file:
        file.write(
            f"daemon off; user root; worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
            "events { worker_connections 768; }\n"
            f"http {{ sendfile on; tcp_nopush on; types {{ video/mp4 mp4; }} access_log off;\n"
            f"server {{ listen 10.77.0.10:8088; root {folder}; }} }}\n")
    nginx = Process("nginx", house.gateway_host, ["nginx", "-c", config, "-p", folder], f"{folder}/nginx.log")
    eventually(10, "nginx listens", lambda: listens(house, 8088))
    return nginx


def listens(house, port):
    try:
        house.tv_host.connect("10.77.0.10", port, timeout=1).close()
        return True
    except OSError:
        return False


def nginx_pids(nginx):
    with open(f"/proc/{nginx.pid}/task/{nginx.pid}/children", encoding="ascii") as file:
        return [nginx.pid] + [int(word) for word in file.read().split()]


def main(_arguments):
    house = House(settings={"mdns": {"enabled": False}})
    rows = sizes()
    for part in (start_to_ready, memory, alive_to_inventory, relay):
        rows += part(house)
    for what, value, goal in rows:
        print(f"{what:58}  {value:44}  {goal}")
    return 0
