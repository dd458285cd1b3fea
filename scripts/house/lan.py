"""Hosts on private LANs: network namespaces, veth pairs and bridges. Only inside a sandbox."""

import ctypes
import os
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def ip(*words, check=True):
    result = subprocess.run(["ip", *words], capture_output=True, text=True)
    if check and result.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)}: {result.stderr.strip()}")
    return result


class Lan:
    """A switch, and how many hosts hang on it. `prefix` is the first three numbers of a /24."""

    def __init__(self, name, prefix):
        self.name = name
        self.prefix = prefix
        self.space = f"sw-{name}"
        ip("netns", "add", self.space)
        ip("-n", self.space, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0", "forward_delay", "0")
        ip("-n", self.space, "link", "set", "br0", "up")
        self._ports = 0

    def plug(self, host, interface, last):
        """Connects `host` as `interface` with the address prefix.last."""
        self._ports += 1
        port = f"p{self._ports}"
        ip("-n", self.space, "link", "add", port, "type", "veth", "peer", "name", interface, "netns", host.space)
        ip("-n", self.space, "link", "set", port, "master", "br0", "up")
        host.configure(interface, f"{self.prefix}.{last}")
        host.ports[interface] = (self, port)

    def cable(self, host, interface, is_in):
        """Pulls the cable out of the switch, or puts it back."""
        lan, port = host.ports[interface]
        ip("-n", lan.space, "link", "set", port, "up" if is_in else "down")


class Host:
    def __init__(self, name):
        self.name = name
        self.space = name
        self.ports = {}
        self.addresses = {}
        ip("netns", "add", self.space)
        ip("-n", self.space, "link", "set", "lo", "up")

    def configure(self, interface, address):
        self.addresses[interface] = address
        ip("-n", self.space, "addr", "flush", "dev", interface)
        ip("-n", self.space, "addr", "add", f"{address}/24", "brd", "+", "dev", interface)
        ip("-n", self.space, "link", "set", interface, "up")

    @property
    def address(self):
        return next(iter(self.addresses.values()))

    def command(self, words):
        return ["ip", "netns", "exec", self.space, *words]

    def connect(self, address, port, timeout=10):
        """A TCP connection that leaves from this host. A namespace is entered by a thread of its own, and its sockets stay there."""
        return self._inside(lambda: socket.create_connection((address, port), timeout=timeout))

    def socket(self, family, kind):
        return self._inside(lambda: socket.socket(family, kind))

    def _inside(self, make):
        outcome = {}

        def enter():
            try:
                space = os.open(f"/run/netns/{self.space}", os.O_RDONLY)
                try:
                    if _libc.setns(space, CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                finally:
                    os.close(space)
                outcome["value"] = make()
            except Exception as error:  # handed to who asked
                outcome["error"] = error

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]


def outside():
    """The machine itself, for programs that need no LAN."""

    class Outside:
        name = space = "machine"

        def command(self, words):
            return list(words)

        def connect(self, address, port, timeout=10):
            return socket.create_connection((address, port), timeout=timeout)

    return Outside()
