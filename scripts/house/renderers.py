"""Asks a renderer itself how it is, as any control point would."""

import re
import threading
import time

ENVELOPE = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:GetTransportInfo '
    'xmlns:u="urn:schemas-upnp-org:service:AVTransport:1"><InstanceID>0</InstanceID></u:GetTransportInfo></s:Body></s:Envelope>')


def transport_state(host, address, port=49494):
    with host.connect(address, port, timeout=3) as connection:
        connection.sendall((
            f"POST /upnp/control/rendertransport1 HTTP/1.1\r\nHost: {address}:{port}\r\nContent-Type: text/xml\r\n"
            f'SOAPACTION: "urn:schemas-upnp-org:service:AVTransport:1#GetTransportInfo"\r\nContent-Length: {len(ENVELOPE)}\r\n'
            f"Connection: close\r\n\r\n{ENVELOPE}").encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
            if b"</CurrentTransportState>" in answer:
                break
    match = re.search(rb"<CurrentTransportState>(\w+)<", answer)
    return match[1].decode() if match else None


class TransportWatch:
    """The states that a renderer goes through, without repeats."""

    def __init__(self, host, address):
        self.states = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(host, address), daemon=True)
        self._thread.start()

    def _watch(self, host, address):
        while not self._ended.is_set():
            try:
                state = transport_state(host, address)
            except OSError:
                state = None
            if state and (not self.states or self.states[-1] != state):
                self.states.append(state)
            time.sleep(0.05)

    def stop(self):
        self._ended.set()
        self._thread.join(5)
        return self.states
