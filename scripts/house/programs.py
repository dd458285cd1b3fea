"""pngwd, cpnsd and pne as processes of the house, with the configuration that the house needs."""

import os
import subprocess

from .clients import AdminClient, ServerClient
from .processes import Failure, Process

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def binaries():
    """The folder with the programs: $PNGW_BIN, else the release build, else the debug build."""
    for folder in [os.environ.get("PNGW_BIN"), f"{ROOT}/.build/release", f"{ROOT}/.build/debug"]:
        if folder and os.path.exists(f"{folder}/pngw"):
            return folder
    raise Failure("the programs are not built: run `make build`")


def toml(sections):
    """`{"": {...}, "uplink": {...}}` as TOML."""

    def word(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return str(value)
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(word(item) for item in value) + "]"
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [f"{key} = {word(value)}" for key, value in sections.get("", {}).items()]
    for section, keys in sections.items():
        if section and keys:
            lines += [f"[{section}]"] + [f"{key} = {word(value)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def merged(base, extra):
    return {section: {**base.get(section, {}), **(extra or {}).get(section, {})} for section in {**base, **(extra or {})}}


class Program:
    """One of our daemons: configured, started, killed and started again with the same state."""

    def __init__(self, name, host, folder, environment=None):
        self.name = name
        self.host = host
        self.folder = folder
        self.environment = environment or {}
        os.makedirs(folder, exist_ok=True)
        self.process = None

    def _write(self, settings):
        self.config = f"{self.folder}/{self.name}.toml"
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(toml(settings))

    def start(self, ready=20):
        self.process = Process(
            self.name, self.host, self.words, f"{self.folder}/{self.name}.log", environment=self.environment, notifies=True)
        self.ready_seconds = self.process.wait_ready(ready)
        return self

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop()


class Gateway(Program):
    def __init__(self, host, folder, interfaces, settings=None, environment=None, name="House"):
        super().__init__("pngwd", host, folder, environment)
        self.socket = f"{folder}/admin.sock"
        self._write(merged({
            "": {"name": name},
            "log": {"level": "info"},
            "state": {"directory": f"{folder}/state"},
            "uplink": {"backoff_first_ms": 100, "backoff_limit_seconds": 2},
            "proxy": {"interfaces": interfaces},
            "admin": {"socket": self.socket},
        }, settings))
        self.words = [f"{binaries()}/pngw", "pngwd", "--config", self.config]
        self.admin = AdminClient(self.socket)

    def control(self, *words, check=True, timeout=60):
        """Runs pngwctl."""
        result = subprocess.run(
            [f"{binaries()}/pngw", "pngwctl", *words, "--socket", self.socket], capture_output=True, text=True, timeout=timeout,
            stdin=subprocess.DEVNULL)
        if check and result.returncode != 0:
            raise Failure(f"pngwctl {' '.join(words)}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def enrol(self, server):
        claim = server.claim()
        self.control("enrol", f"{claim}@{server.address}:{server.port}")

    def pairing_code(self, seconds=300):
        return self.admin.post("/v1/pairing", {"seconds": seconds})["code"]

    def entry(self, name):
        for entry in self.admin.get("/v1/pnes")["pnes"]:
            if entry["name"] == name:
                return entry
        return None

    @property
    def workers(self):
        """Process ids of its pngw-upnp workers."""
        children = f"/proc/{self.process.pid}/task"
        found = []
        for task in os.listdir(children):
            try:
                with open(f"{children}/{task}/children", encoding="ascii") as file:
                    found += [int(word) for word in file.read().split()]
            except OSError:
                continue
        return found


class Server(Program):
    port = 7420
    api_port = 7443

    def __init__(self, host, folder, settings=None, address=None):
        super().__init__("cpnsd", host, folder)
        self.address = address or host.address
        self._write(merged({
            "": {"name": "CPNS Server"},
            "log": {"level": "info"},
            "state": {"directory": f"{folder}/state"},
            "uplink": {"names": ["localhost", self.address], "port": self.port},
            "api": {"address": self.address, "port": self.api_port},
        }, settings))
        self.words = [f"{binaries()}/cpnsd", "run", "--config", self.config]

    def claim(self):
        result = subprocess.run(
            [f"{binaries()}/cpnsd", "claim", "new", "--config", self.config], capture_output=True, text=True, timeout=30,
            stdin=subprocess.DEVNULL)
        if result.returncode != 0:
            raise Failure(f"cpnsd claim new: exit status {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout.strip()

    @property
    def api(self):
        with open(f"{self.folder}/state/api-token", encoding="ascii") as file:
            token = file.read().strip()
        return ServerClient(self.host, self.address, self.api_port, f"{self.folder}/state/anchor.pem", token)

    def pne(self, name):
        for entry in self.api.get("/v1/pnes")["pnes"]:
            if entry["name"] == name:
                return entry
        return None

    def push(self, content, consumer):
        return self.api.post("/v1/deliveries", {"content_id": content["content_id"], "consumer": consumer["entity_id"]})

    def delivery(self, delivery):
        return self.api.get(f"/v1/deliveries/{delivery['delivery_id']}")


class Element(Program):
    """A PNE. It has no sd_notify; what it prints tells how far it is."""

    def __init__(self, host, folder, name, environment=None, gateway=None, extra=()):
        super().__init__("pne", host, folder, environment)
        self.element_name = name
        self.inbox = f"{folder}/inbox"
        self.base = [f"{binaries()}/pne", "run", "--state", f"{folder}/state", "--name", name, "--inbox", self.inbox, *extra]
        if gateway:
            self.base += ["--gateway", gateway]

    def start(self, code=None, ready=None):
        words = self.base + (["--pair", code] if code else [])
        # One log for each start, so that what is waited for is said by this one.
        self.process = Process(self.element_name, self.host, words, f"{self.folder}/pne.log", environment=self.environment, merge=False)
        if ready:
            self.process.wait_line("^registered", ready)
        return self
