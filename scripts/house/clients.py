"""Clients of the two HTTP + JSON interfaces: the gateway's admin socket, and CPNS-4 of the server."""

import http.client
import json
import socket
import ssl


class Refused(Exception):
    def __init__(self, status, body):
        self.status = status
        self.body = body
        error = body.get("error", {}) if isinstance(body, dict) else {}
        self.code = error.get("code", "")
        super().__init__(f"{status} {error.get('code', '')}: {error.get('message', body)}")


class Client:
    def _connection(self):
        raise NotImplementedError

    headers = {}

    def ask(self, method, path, value=None, body=None, headers=None):
        connection = self._connection()
        try:
            fields = {**self.headers, **(headers or {})}
            if value is not None:
                body = json.dumps(value)
                fields["Content-Type"] = "application/json"
            connection.request(method, path, body=body, headers=fields)
            answer = connection.getresponse()
            data = answer.read()
            try:
                parsed = json.loads(data) if data else None
            except ValueError:
                parsed = data.decode(errors="replace")
            if answer.status >= 400:
                raise Refused(answer.status, parsed)
            return parsed
        finally:
            connection.close()

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, value):
        return self.ask("POST", path, value)

    def delete(self, path):
        return self.ask("DELETE", path)


class AdminClient(Client):
    """The gateway's admin socket."""

    def __init__(self, path):
        self.path = path

    def _connection(self):
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(30)
        connection.sock.connect(self.path)
        return connection

    def events(self):
        """What happens from now on, one at a time, for ever."""
        connection = self._connection()
        connection.sock.settimeout(None)
        connection.request("GET", "/v1/events")
        answer = connection.getresponse()
        for line in answer:
            if line.strip():
                yield json.loads(line)


class ServerClient(Client):
    """CPNS-4, from a host of the LAN."""

    def __init__(self, host, address, port, anchor, token):
        self.host = host
        self.address = address
        self.port = port
        self.context = ssl.create_default_context(cafile=anchor)
        self.headers = {"Authorization": f"Bearer {token}"}

    def _connection(self):
        connection = http.client.HTTPSConnection(self.address, self.port, timeout=60, context=self.context)
        plain = self.host.connect(self.address, self.port)
        plain.settimeout(60)
        connection.sock = self.context.wrap_socket(plain, server_hostname=self.address)
        return connection

    def upload(self, name, media_type, path):
        with open(path, "rb") as file:
            return self.ask("POST", f"/v1/contents?name={name}", body=file.read(), headers={"Content-Type": media_type})
