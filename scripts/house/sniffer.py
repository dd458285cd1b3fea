"""Listens on a host's interface and puts together what it fetched over HTTP: the proof of which bytes a device really got."""

import re
import socket
import threading

ETH_P_IP = 0x0800


class Sniffer:
    """Collects TCP payload that comes from `port` of `address` to `host`."""

    MOST_BYTES = 64 << 20

    def __init__(self, host, address, port):
        self._source = socket.inet_aton(address)
        self._port = port
        self._flows = {}
        self._bytes = 0
        self._socket = host._inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE: nothing may be missed
        self._socket.settimeout(0.2)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while not self._ended.is_set():
            try:
                packet = self._socket.recv(1 << 17)
            except socket.timeout:
                continue
            self._take(packet)

    def _take(self, packet):
        header = (packet[0] & 15) * 4
        if packet[9] != 6 or packet[12:16] != self._source:
            return
        total = int.from_bytes(packet[2:4], "big") or len(packet)
        segment = packet[header:total]
        if int.from_bytes(segment[0:2], "big") != self._port:
            return
        client = int.from_bytes(segment[2:4], "big")
        sequence = int.from_bytes(segment[4:8], "big")
        flow = self._flows.setdefault(client, {"start": None, "parts": {}})
        if segment[13] & 2:  # SYN
            flow["start"] = sequence + 1
        data = segment[(segment[12] >> 4) * 4:]
        if data and flow["start"] is None:
            flow["start"] = sequence  # a connection kept from an earlier fetch: an answer begins here
        if data and self._bytes < self.MOST_BYTES:
            self._bytes += len(data)
            flow["parts"][(sequence - flow["start"]) & 0xFFFFFFFF] = data

    def stop(self):
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def streams(self):
        """What came on each connection, as far as it is without gaps."""
        for flow in self._flows.values():
            stream = bytearray()
            for offset in sorted(flow["parts"]):
                if offset > len(stream):
                    break
                data = flow["parts"][offset]
                stream[offset:offset + len(data)] = data
            yield bytes(stream)

    def content(self, size):
        """The content of `size` bytes as far as it was fetched: (bytes, which of them came)."""
        whole, seen = bytearray(size), bytearray(size)
        for stream in self.streams():
            while stream:
                head, _, rest = stream.partition(b"\r\n\r\n")
                match = re.match(rb"HTTP/1\.\d (\d+)", head)
                if not match:
                    break
                length = re.search(rb"(?im)^content-length: *(\d+)", head)
                count = int(length[1]) if length else len(rest)
                body = rest[:count]
                begin = re.search(rb"(?im)^content-range: *bytes (\d+)-", head)
                if match[1] in (b"200", b"206") and not re.search(rb"(?im)^content-type: *application/json", head):
                    at = int(begin[1]) if begin else 0
                    whole[at:at + len(body)] = body
                    seen[at:at + len(body)] = b"\1" * len(body)
                stream = rest[count:]
        return bytes(whole[:size]), bytes(seen[:size])
