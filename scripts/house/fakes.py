"""A UPnP device that does what real ones can't be made to do: break, lie, flood, and read as slowly as we like."""

import re
import socket
import struct
import threading

GROUP = ("239.255.255.250", 1900)
RENDERER = "urn:schemas-upnp-org:device:MediaRenderer:1"

DESCRIPTION = """<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion><device>
<deviceType>{type}</deviceType><friendlyName>{name}</friendlyName><manufacturer>pngw tests</manufacturer>
<modelName>Fake</modelName><UDN>uuid:{udn}</UDN><serviceList>
<service><serviceType>urn:schemas-upnp-org:service:AVTransport:1</serviceType><serviceId>urn:upnp-org:serviceId:AVTransport</serviceId>
<SCPDURL>/av.xml</SCPDURL><controlURL>{control}</controlURL><eventSubURL>/events</eventSubURL></service>
<service><serviceType>urn:schemas-upnp-org:service:ConnectionManager:1</serviceType><serviceId>urn:upnp-org:serviceId:ConnectionManager</serviceId>
<SCPDURL>/cm.xml</SCPDURL><controlURL>/cm</controlURL><eventSubURL>/cm-events</eventSubURL></service>
</serviceList></device></root>"""

ANSWER = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>{body}</s:Body></s:Envelope>')
FAULT = (
    '<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError '
    'xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>{code}</errorCode><errorDescription>{text}</errorDescription></UPnPError>'
    "</detail></s:Fault>")


class FakeRenderer:
    """Speaks SSDP and SOAP on one host. Override what is to be wrong."""

    sink = "http-get:*:video/mp4:*,http-get:*:image/jpeg:*,http-get:*:audio/mpeg:*"
    kind = RENDERER
    max_age = 1800
    control = "/av"

    def __init__(self, host, address, name, udn, port=49700, interface="eth0"):
        self.host, self.address, self.name, self.udn, self.port = host, address, name, udn, port
        self.state = "STOPPED"
        self.uri = None
        self.played = threading.Event()
        self.requests = []
        self._ended = threading.Event()
        self._http = host._inside(self._listen)
        self._ssdp = host._inside(lambda: self._join())
        threading.Thread(target=self._accept, daemon=True).start()
        threading.Thread(target=self._answer_searches, daemon=True).start()
        self.announce()

    @property
    def location(self):
        return f"http://{self.address}:{self.port}/description.xml"

    def _listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, self.port))
        listener.listen(64)
        return listener

    def _join(self):
        ssdp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ssdp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ssdp.bind(("", GROUP[1]))
        ssdp.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", socket.inet_aton(GROUP[0]), socket.inet_aton(self.address)))
        ssdp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(self.address))
        return ssdp

    # SSDP

    def announce(self, location=None):
        for target in ("upnp:rootdevice", f"uuid:{self.udn}", self.kind):
            self._notify("ssdp:alive", target, f"LOCATION: {location or self.location}\r\nCACHE-CONTROL: max-age={self.max_age}\r\nSERVER: fake UPnP/1.0\r\n")

    def say_goodbye(self):
        for target in ("upnp:rootdevice", f"uuid:{self.udn}", self.kind):
            self._notify("ssdp:byebye", target, "")

    def _notify(self, what, target, fields):
        name = f"uuid:{self.udn}" + ("" if target.startswith("uuid:") else f"::{target}")
        self._ssdp.sendto(
            f"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: {target}\r\nNTS: {what}\r\nUSN: {name}\r\n{fields}\r\n".encode(), GROUP)

    def _answer_searches(self):
        while not self._ended.is_set():
            try:
                packet, sender = self._ssdp.recvfrom(4096)
            except OSError:
                return
            if packet.startswith(b"M-SEARCH"):
                self._ssdp.sendto((
                    f"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age={self.max_age}\r\nEXT:\r\nLOCATION: {self.location}\r\nSERVER: fake UPnP/1.0\r\n"
                    f"ST: {self.kind}\r\nUSN: uuid:{self.udn}::{self.kind}\r\n\r\n").encode(), sender)

    # HTTP

    def _accept(self):
        while True:
            try:
                connection, _ = self._http.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                connection.settimeout(10)
                data = b""
                while b"\r\n\r\n" not in data:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    data += piece
                head, _, body = data.partition(b"\r\n\r\n")
                length = int((re.search(rb"(?im)^content-length: *(\d+)", head) or [0, b"0"])[1])
                while len(body) < length:
                    body += connection.recv(65536)
                self.requests.append(head.decode(errors="replace"))
                self.answer(connection, head.decode(errors="replace"), body.decode(errors="replace"))
            except OSError:
                return  # whoever asked has gone

    def answer(self, connection, head, body):
        method, path = head.split(" ")[:2]
        if method == "GET":
            return self.describe(connection)
        if method == "SUBSCRIBE":
            return self.send(connection, "", extra=f"SID: uuid:{self.udn}\r\nTIMEOUT: Second-300\r\n")
        if method == "POST":
            return self.act(connection, re.search(r"#(\w+)", head)[1], body)
        return self.send(connection, "", status="501 Not Implemented")

    def describe(self, connection):
        self.send(connection, DESCRIPTION.format(type=self.kind, name=self.name, udn=self.udn, control=self.control))

    def act(self, connection, action, body):
        result = ""
        service = "ConnectionManager" if action == "GetProtocolInfo" else "AVTransport"
        if action == "GetProtocolInfo":
            result = f"<Source></Source><Sink>{self.sink}</Sink>"
        elif action == "SetAVTransportURI":
            self.uri = re.search(r"<CurrentURI>(.*?)</CurrentURI>", body)[1].replace("&amp;", "&")
        elif action == "Play":
            self.state = "PLAYING"
            self.played.set()
        elif action == "Stop":
            self.state = "STOPPED"
        elif action == "GetTransportInfo":
            result = f"<CurrentTransportState>{self.state}</CurrentTransportState><CurrentTransportStatus>OK</CurrentTransportStatus><CurrentSpeed>1</CurrentSpeed>"
        self.send(connection, ANSWER.format(
            body=f'<u:{action}Response xmlns:u="urn:schemas-upnp-org:service:{service}:1">{result}</u:{action}Response>'))

    def fault(self, connection, code, text):
        self.send(connection, ANSWER.format(body=FAULT.format(code=code, text=text)), status="500 Internal Server Error")

    def send(self, connection, body, status="200 OK", extra=""):
        body = body if isinstance(body, bytes) else body.encode()
        connection.sendall(
            f'HTTP/1.1 {status}\r\nContent-Type: text/xml; charset="utf-8"\r\nContent-Length: {len(body)}\r\n{extra}Connection: close\r\n\r\n'.encode() + body)

    def close(self):
        self._ended.set()
        for one in (self._http, self._ssdp):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it was not connected
            one.close()
