"""Devices that break, lie and flood: each gets a clear refusal at a bounded cost, and the real TV plays on."""

import socket
import time

from house.fakes import FakeRenderer
from house.house import TV
from house.processes import eventually
from scenario import HouseTest

UDN = "0badbad0-0d5b-4c7e-9d4e-0c9f3b1a{:04x}"


class EndlessDescription(FakeRenderer):
    def describe(self, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<?xml version='1.0'?><root>")
        while True:
            connection.sendall(b"<a>" * 4096)


class SlowDescription(FakeRenderer):
    def describe(self, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 60000\r\n\r\n<?xml version='1.0'?><root>")
        for _ in range(600):
            connection.sendall(b" ")
            time.sleep(0.1)


class EntityBomb(FakeRenderer):
    def describe(self, connection):
        entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
        self.send(connection, f'<?xml version="1.0"?><!DOCTYPE root [<!ENTITY a0 "lol">{entities}]><root><device><friendlyName>&a8;</friendlyName></device></root>')


class DeepDescription(FakeRenderer):
    def describe(self, connection):
        self.send(connection, '<?xml version="1.0"?>' + "<a>" * 4_000 + "</a>" * 4_000)


class ControlElsewhere(FakeRenderer):
    """Its control URL is the phone's: the gateway would be made to talk to somebody else."""

    control = "http://10.77.0.40:9999/control"


class Redirecting(FakeRenderer):
    def describe(self, connection):
        self.send(connection, "", status="302 Found", extra="Location: http://10.77.0.40:9999/description.xml\r\n")


class LoopbackLocation(FakeRenderer):
    @property
    def location(self):
        return f"http://127.0.0.1:{self.port}/description.xml"


class Refusing(FakeRenderer):
    def act(self, connection, action, body):
        if action == "SetAVTransportURI":
            return self.fault(connection, 714, "Illegal MIME-Type")
        return super().act(connection, action, body)


class Deaf(FakeRenderer):
    """Takes the command to play, and never fetches anything."""

    def act(self, connection, action, body):
        if action == "Play":
            self.state = "STOPPED"
            return self.send(connection, "not SOAP at all")
        return super().act(connection, action, body)


class HostileDevices(HouseTest):
    settings = {"mdns": {"enabled": False}}

    @classmethod
    def bring_up(cls):
        cls.house.start_tv()
        cls.house.start_gateway()
        eventually(30, "the TV online", lambda: cls.house.online_at_server(TV))
        cls.fakes = 0

    def fake(self, kind, name):
        type(self).fakes += 1
        fake = kind(self.house.nas_host, "10.77.0.30", name, UDN.format(self.fakes), port=49700 + self.fakes)
        self.addCleanup(fake.close)
        return fake

    def refused(self, fake, words):
        """The gateway says that it refused the device, and why."""
        found = eventually(
            20, f"{fake.name} is refused with {words}", lambda: [
                line for line in self.house.gateway.process.lines if "refused" in line and str(fake.port) in line and words in line])
        self.assertIsNone(self.house.gateway.entry(fake.name))
        return found

    def the_tv_still_plays(self):
        content = self.api.upload("photo.jpg", "image/jpeg", self.house.media["photo.jpg"])
        end = self.house.delivered(self.house.server.push(content, self.house.server.pne(TV)))
        self.assertEqual(end["state"], "delivered", end)

    def test_an_endless_description(self):
        self.refused(self.fake(EndlessDescription, "Endless"), "bytes")
        self.the_tv_still_plays()

    def test_a_description_that_drips(self):
        self.refused(self.fake(SlowDescription, "Slow"), "in time")
        self.the_tv_still_plays()

    def test_an_entity_bomb(self):
        self.refused(self.fake(EntityBomb, "Bomb"), "document type declaration")

    def test_deep_nesting(self):
        self.refused(self.fake(DeepDescription, "Deep"), "deep")

    def test_urls_outside_its_own_address(self):
        canary = self.house.phone_host.socket(socket.AF_INET, socket.SOCK_STREAM)
        canary.bind(("10.77.0.40", 9999))
        canary.listen()
        canary.settimeout(1)
        self.addCleanup(canary.close)
        self.refused(self.fake(ControlElsewhere, "Elsewhere"), "10.77.0.40")
        self.refused(self.fake(Redirecting, "Redirecting"), "302")
        self.refused(self.fake(LoopbackLocation, "Loopback"), "127.0.0.1")
        with self.assertRaises(socket.timeout, msg="the gateway connected where it should not"):
            canary.accept()

    def test_a_soap_fault_is_the_deliverys_reason(self):
        fake = self.fake(Refusing, "Refusing TV")
        entry = eventually(20, "it is online", lambda: self.house.online_at_server(fake.name))
        content = self.api.upload("photo.jpg", "image/jpeg", self.house.media["photo.jpg"])
        end = self.house.delivered(self.house.server.push(content, entry))
        self.assertEqual((end["state"], end["reason"]), ("failed", "device-refused"))
        self.assertIn("714", end["detail"])
        self.assertIn("Illegal MIME-Type", end["detail"])

    def test_an_answer_that_is_no_soap(self):
        fake = self.fake(Deaf, "Deaf TV")
        entry = eventually(20, "it is online", lambda: self.house.online_at_server(fake.name))
        content = self.api.upload("photo.jpg", "image/jpeg", self.house.media["photo.jpg"])
        end = self.house.delivered(self.house.server.push(content, entry))
        self.assertEqual((end["state"], end["reason"]), ("failed", "device-unreachable"))
        self.the_tv_still_plays()


class RelayRequests(HouseTest):
    """What the media relay answers to those who ask for what they were not given."""

    settings = {"mdns": {"enabled": False}}

    @classmethod
    def bring_up(cls):
        cls.house.start_gateway()
        cls.fake = FakeRenderer(cls.house.tv_host, "10.77.0.20", "Reader", UDN.format(0xfff), port=49900)
        consumer = eventually(20, "the reader online", lambda: cls.house.online_at_server("Reader"))
        content = cls.house.server.api.upload("clip.mp4", "video/mp4", cls.house.media["clip.mp4"])
        cls.house.server.push(content, consumer)
        cls.fake.played.wait(30)
        cls.size = content["size"]
        cls.target = cls.fake.uri.partition(":7422")[2]

    def ask(self, head, host=None):
        with (host or self.house.tv_host).connect("10.77.0.10", 7422) as connection:
            connection.settimeout(10)
            connection.sendall(head.encode())
            answer = b""
            try:
                while b"\r\n\r\n" not in answer or not answer.endswith(b"\0"):
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    answer += piece
            except (socket.timeout, ConnectionResetError):
                pass  # cut: what came is the answer
        return answer

    def status(self, head, host=None):
        answer = self.ask(head, host)
        return int(answer.split()[1]) if answer else 0

    def request(self, method="GET", target=None, fields=""):
        return f"{method} {target or self.target} HTTP/1.1\r\nHost: 10.77.0.10:7422\r\nConnection: close\r\n{fields}\r\n"

    def test_what_was_given_is_served(self):
        answer = self.ask(self.request())
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200"), head)
        with open(self.house.media["clip.mp4"], "rb") as file:
            self.assertEqual(body, file.read())

    def test_a_head_has_the_length_and_no_body(self):
        answer = self.ask(self.request("HEAD"))
        self.assertIn(f"content-length: {self.size}".encode(), answer.lower())
        self.assertTrue(answer.endswith(b"\r\n\r\n"))

    def test_a_range_is_a_range(self):
        answer = self.ask(self.request(fields="Range: bytes=100-199\r\n"))
        self.assertIn(f"content-range: bytes 100-199/{self.size}".encode(), answer.lower())
        with open(self.house.media["clip.mp4"], "rb") as file:
            self.assertEqual(answer.partition(b"\r\n\r\n")[2], file.read()[100:200])

    def test_a_range_beyond_the_end(self):
        self.assertEqual(self.status(self.request(fields=f"Range: bytes={self.size}-\r\n")), 416)

    def test_a_url_that_was_never_given_out(self):
        self.assertEqual(self.status(self.request(target="/m/" + "0" * 32 + "/clip.mp4")), 404)
        self.assertEqual(self.status(self.request(target="/etc/passwd")), 404)

    def test_a_url_that_was_given_to_another(self):
        # The phone learns no more than that there is nothing for it.
        self.assertIn(self.status(self.request(), host=self.house.phone_host), (0, 403, 404))

    def test_a_wrong_method(self):
        self.assertEqual(self.status(self.request("DELETE")), 405)

    def test_what_is_no_http(self):
        self.assertIn(self.status("\x16\x03\x01 hello\r\n\r\n"), (0, 400))
