"""The configuration while the gateway runs: drop-ins, reload, apply with its way back, and the socket that is held for the gateway."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from house import lan, sandbox
from house.processes import Process, eventually
from house.programs import Gateway, Server, binaries, toml


class Running(unittest.TestCase):
    """A gateway and a server on the loopback; the gateway is enrolled."""

    def setUp(self):
        if not sandbox.is_inside():
            raise RuntimeError("run scenarios by Tests/Scenarios/run, which gives each a network of its own")
        self.folder = tempfile.mkdtemp(prefix="pngw-configuration-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = Server(lan.outside(), f"{self.folder}/server", address="127.0.0.1")
        self.gateway = Gateway(lan.outside(), f"{self.folder}/gateway", [])
        self.base = {
            "": {"name": "Box"}, "state": {"directory": f"{self.folder}/gateway/state"}, "log": {"level": "info"},
            "uplink": {"backoff_first_ms": 50, "backoff_limit_seconds": 1}, "proxy": {"enabled": False}, "mdns": {"enabled": False},
            "admin": {"socket": self.gateway.socket}}
        self.write(self.base)
        self.server.start()
        self.addCleanup(lambda: self.server.kill())
        self.gateway.start()
        self.addCleanup(lambda: self.gateway.kill())
        self.gateway.enrol(self.server)
        self.connected()

    def text(self, **extra):
        """The base, with other values: `uplink__server="a:1"`."""
        sections = {name: dict(keys) for name, keys in self.base.items()}
        for path, value in extra.items():
            section, _, key = path.rpartition("__")
            sections.setdefault(section, {})[key] = value
        return toml(sections)

    def write(self, sections, **extra):
        with open(self.gateway.config, "w", encoding="utf-8") as file:
            file.write(toml(sections) if not extra else self.text(**extra))

    def drop_in(self, name, text):
        folder = f"{self.folder}/gateway/conf.d"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)

    def new_file(self, **extra):
        path = f"{self.folder}/new.toml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.text(**extra))
        return path

    @property
    def status(self):
        return self.gateway.admin.get("/v1/status")

    @property
    def warnings(self):
        return [one["code"] for one in self.status["warnings"]]

    def connected(self):
        eventually(20, "the uplink stands", lambda: self.status["uplink"]["state"] == "connected")

    def hang_up(self):
        os.kill(self.gateway.process.pid, signal.SIGHUP)

    @property
    def file(self):
        with open(self.gateway.config, encoding="utf-8") as file:
            return file.read()


class Reload(Running):
    def test_a_hangup_changes_the_level_of_the_log_at_once(self):
        self.assertFalse(any(" debug " in line for line in self.gateway.process.lines))
        self.write(self.base, log__level="debug")
        mark = len(self.gateway.process.lines)
        self.hang_up()
        self.gateway.process.wait_line("log.level.*configuration changed", 10, after=mark)
        self.assertEqual(self.status["uplink"]["state"], "connected", "the uplink had nothing to do with it")

    def test_another_server_is_connected_to_without_a_restart(self):
        pid = self.gateway.process.pid
        self.write(self.base, uplink__server="localhost:7420")
        reply = self.gateway.control("config", "reload").stdout
        self.assertIn("what the files say holds", reply)
        eventually(20, "by its other name", lambda: self.status["uplink"].get("server") == "localhost:7420" and self.status["uplink"]["state"] == "connected")
        self.assertTrue(self.gateway.process.is_running and self.gateway.process.pid == pid)

    def test_wrong_files_change_nothing_and_are_told(self):
        self.write(self.base, uplink__servr="a:1")
        self.hang_up()
        eventually(10, "it is told", lambda: "configuration-refused" in self.warnings)
        cause = next(one["cause"] for one in self.status["warnings"] if one["code"] == "configuration-refused")
        self.assertIn("pngwd.toml:", cause)
        self.assertIn("uplink.server", cause)
        self.assertEqual(self.status["uplink"]["state"], "connected")
        refused = self.gateway.control("config", "reload", check=False)
        self.assertEqual(refused.returncode, 1)
        self.write(self.base)
        self.gateway.control("config", "reload")
        self.assertEqual(self.warnings, [])

    def test_what_wants_a_restart_is_told_and_holds_after_it(self):
        self.drop_in("50-port.toml", "[relay]\nport = 7499\n")
        diff = self.gateway.control("config", "diff").stdout
        self.assertIn("relay.port  (after a restart", diff)
        self.assertIn("+ 7499", diff)
        self.gateway.control("config", "reload")
        self.assertIn("restart-needed", self.warnings)
        self.gateway.stop()
        self.gateway.start()
        self.assertNotIn("restart-needed", self.warnings)
        with socket.create_connection(("127.0.0.1", 7499), timeout=5):
            pass

    def test_drop_ins_come_in_the_order_of_their_names_and_problems_name_them(self):
        self.drop_in("10-a.toml", 'name = "A"\n')
        self.drop_in("20-b.toml", 'name = "B"\n')
        self.drop_in(".hidden.toml", "rubbish")
        self.drop_in("README", "rubbish")
        check = subprocess.run([f"{binaries()}/pngw", "pngwctl", "config", "check", self.gateway.config], capture_output=True, text=True)
        self.assertEqual((check.returncode, check.stdout), (0, f"{self.gateway.config} with 2 drop-ins is right\n"))
        self.gateway.stop()
        self.gateway.start()
        self.assertEqual(self.status["name"], "B")
        self.drop_in("30-c.toml", '\n[relay]\nport = "x"\n')
        check = subprocess.run([f"{binaries()}/pngw", "pngwctl", "config", "check", self.gateway.config], capture_output=True, text=True)
        self.assertEqual(check.returncode, 1)
        self.assertIn("30-c.toml:3:", check.stderr.replace("\n  ", ""))
        check = subprocess.run([f"{binaries()}/pngw", "pngwd", "--check", "--config", self.gateway.config], capture_output=True, text=True)
        self.assertEqual(check.returncode, 78)

    def test_a_pin_is_shown_nowhere(self):
        self.write(self.base, uplink__private_key="pkcs11:token=gw;pin-value=123456")
        self.assertNotIn("123456", self.gateway.control("config", "diff").stdout)
        self.gateway.control("config", "reload")
        self.assertNotIn("123456", "\n".join(self.gateway.process.lines))
        self.assertNotIn("123456", str(self.status))


class Apply(Running):
    def test_a_good_file_takes_the_place_of_the_old_one(self):
        before = self.file
        said = self.gateway.control("config", "apply", self.new_file(uplink__server="localhost:7420"))
        self.assertIn(f"is now {self.gateway.config}", said.stdout.replace("\n  ", " "))
        self.assertIn('server = "localhost:7420"', self.file)
        with open(self.gateway.config + ".before", encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual(self.status["uplink"]["server"], "localhost:7420")
        self.assertEqual(self.status["uplink"]["state"], "connected")

    def test_a_file_that_cuts_the_uplink_for_good_is_taken_back(self):
        before = self.file
        failed = self.gateway.control("config", "apply", "--seconds", "2", self.new_file(uplink__server="127.0.0.1:1"), check=False)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("did not come back within 2 s", failed.stderr)
        self.assertEqual(self.file, before)
        self.connected()
        self.assertEqual(self.warnings, [])

    def test_the_gateway_goes_back_by_itself_when_who_applied_is_gone(self):
        words = [f"{binaries()}/pngw", "pngwctl", "config", "apply", "--seconds", "3", self.new_file(uplink__server="127.0.0.1:1"), "--socket", self.gateway.socket]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as applying:
            eventually(10, "the new values hold", lambda: self.status["uplink"].get("server") == "127.0.0.1:1")
            applying.kill()
        self.connected()
        self.assertIn("configuration-reverted", self.warnings)
        # The file is the new one still, and the next reload would take it: people are told, and have what was.
        self.assertIn("uplink.server", self.gateway.control("config", "diff").stdout)
        shutil.copy(self.gateway.config + ".before", self.gateway.config)
        self.gateway.control("config", "reload")
        self.assertEqual(self.warnings, [])

    def test_a_wrong_file_is_not_even_put_in_place(self):
        before = self.file
        failed = self.gateway.control("config", "apply", self.new_file(uplink__server="no port"), check=False)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("new.toml:", failed.stderr)
        self.assertEqual(self.file, before)
        self.assertFalse(os.path.exists(self.gateway.config + ".before"))

    def test_two_at_once_are_one_too_many(self):
        words = [f"{binaries()}/pngw", "pngwctl", "config", "apply", "--seconds", "4", self.new_file(uplink__server="127.0.0.1:1"), "--socket", self.gateway.socket]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as applying:
            eventually(10, "the new values hold", lambda: self.status["uplink"].get("server") == "127.0.0.1:1")
            refused = self.gateway.control("config", "reload", check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("on trial", refused.stderr)
            self.assertEqual(applying.wait(30), 1)
        self.connected()


class Socket(unittest.TestCase):
    """The admin socket is held by who starts the gateway, as systemd does with pngwd.socket."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pngw-socket-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.path = f"{self.folder}/held.sock"
        self.held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(self.held.close)
        self.held.bind(self.path)
        self.held.listen(16)
        self.gateway = Gateway(lan.outside(), f"{self.folder}/gateway", [], settings={"proxy": {"enabled": False}, "mdns": {"enabled": False}})
        # What systemd does: descriptor 3, and an environment that names this very process.
        self.words = ["sh", "-c", 'exec 3<&"$1"; shift; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=admin exec "$@"', "sh", str(self.held.fileno()), *self.gateway.words]

    def start(self):
        os.set_inheritable(self.held.fileno(), True)
        original = subprocess.Popen
        try:
            subprocess.Popen = lambda *words, **named: original(*words, close_fds=False, **named)
            process = Process("pngwd", lan.outside(), self.words, f"{self.folder}/log", notifies=True)
        finally:
            subprocess.Popen = original
        self.addCleanup(process.kill)
        process.wait_ready(20)
        return process

    def ask(self):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(20)
        connection.sock.connect(self.path)
        return connection

    def test_it_serves_the_socket_that_was_passed_and_makes_none(self):
        process = self.start()
        connection = self.ask()
        connection.request("GET", "/v1/version")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        self.assertFalse(os.path.exists(self.gateway.socket))
        self.assertEqual(process.stop(), 0)
        self.assertTrue(os.path.exists(self.path), "the file is not the gateway's to remove")

    def test_who_asks_while_it_is_away_waits_and_is_answered(self):
        process = self.start()
        process.kill()
        connection = self.ask()
        connection.request("GET", "/v1/version")
        time.sleep(0.3)  # it waits, and is not refused
        self.start()
        self.assertEqual(connection.getresponse().status, 200)


if __name__ == "__main__":
    unittest.main()
