#!/usr/bin/env python3
"""A PNE in Python, written from docs/protocol.md and proto/ alone: it shows that a stranger can.

    pne.py --gateway HOST:PORT --pair CODE --state FILE --once

Pairs when the state has no key, registers, receives what is offered, and reports how it ended. With --once it exits 0 when one
content was received, its SHA-256 was right, and the gateway has taken result and usage; 1 when not, or when --timeout is over.

Needs python3, protoc, the openssl program (for TLS 1.3 with an external pre-shared key, which Python's ssl has not), and
requirements.txt. For tests only: the key is on openssl's command line.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import pathlib
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
SILENCE = 30  # seconds of silence after which a link is dead; keep-alives go at a third of it
CREDIT = 512 * 1024
LONGEST_FRAME = 1 << 20


def load_messages():
    """Compiles proto/ and imports what came out."""
    out = tempfile.mkdtemp(prefix="cpns-pb2-")
    try:
        files = sorted(str(f) for f in (ROOT / "proto").rglob("*.proto"))
        subprocess.run(["protoc", f"--proto_path={ROOT / 'proto'}", f"--python_out={out}", *files], check=True)
        sys.path.insert(0, out)
        from cpns.v1 import delivery_pb2, envelope_pb2, registration_pb2, security_pb2, status_pb2, usage_pb2

        return envelope_pb2, security_pb2, registration_pb2, delivery_pb2, usage_pb2, status_pb2
    finally:
        shutil.rmtree(out, ignore_errors=True)


E, SEC, REG, DEL, USE, STA = load_messages()
OK = E.CODE_OK
MAY_RETRY = {E.CODE_NOT_READY, E.CODE_BUSY, E.CODE_TIMED_OUT, E.CODE_UNREACHABLE, E.CODE_INTERNAL}


class LinkLost(Exception):
    pass


class Refused(Exception):
    def __init__(self, status):
        super().__init__(f"{E.Code.Name(status.code)}: {status.detail}")
        self.code = status.code


def hkdf(ikm, salt, info, length=32):
    """RFC 5869 with SHA-256."""
    prk = hmac.new(salt, ikm, hashlib.sha256).digest()
    out, block = b"", b""
    for n in range(1, -(-length // 32) + 1):
        block = hmac.new(prk, block + info + bytes([n]), hashlib.sha256).digest()
        out += block
    return out[:length]


def say(text):
    print(text, flush=True)


class Link:
    """Frames over TLS 1.3 with a pre-shared key, through `openssl s_client`."""

    def __init__(self, address, identity, key, origin):
        self.origin = origin
        self.buffer = b""
        self.heard = time.monotonic()
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", address, "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-alpn", "cpns/1",
             "-psk_identity", identity, "-psk", key.hex(), "-quiet"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        os.set_blocking(self.process.stderr.fileno(), False)

    def close(self):
        self.process.terminate()
        self.process.wait()

    def send(self, kind, message, deadline_ms=0, correlation=b"", idempotency=b"", target=""):
        envelope = E.Envelope(
            message_id=os.urandom(16), correlation_id=correlation, origin=self.origin, kind=kind, body=message.SerializeToString(),
            idempotency_id=idempotency, deadline_ms=deadline_ms, target=target, hop_limit=8 if target else 0)
        body = envelope.SerializeToString()
        try:
            data = struct.pack(">I", len(body)) + body
            while data:
                data = data[self.process.stdin.write(data):]
        except OSError:
            raise LinkLost(self.why())
        return envelope.message_id

    def why(self):
        said = (self.process.stderr.read() or b"").decode(errors="replace").strip().splitlines()
        return "the link ended" + (f" ({said[0]})" if said else "")

    def receive(self, seconds):
        """The next envelope; None when nothing came in that time."""
        end = time.monotonic() + seconds
        while True:
            if len(self.buffer) >= 4:
                length = struct.unpack(">I", self.buffer[:4])[0]
                if not 1 <= length <= LONGEST_FRAME:
                    raise LinkLost(f"a frame of {length} bytes")
                if len(self.buffer) >= 4 + length:
                    frame, self.buffer = self.buffer[4:4 + length], self.buffer[4 + length:]
                    return E.Envelope.FromString(frame)
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise LinkLost(self.why())
            self.heard = time.monotonic()
            self.buffer += data


class State:
    """Kept on disk, whole or as it was before."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.values = json.loads(self.path.read_text()) if self.path.exists() else {"entity": f"urn:uuid:{uuid.uuid4()}", "deliveries": {}}
        self.values.setdefault("service", f"urn:uuid:{uuid.uuid4()}")
        self.save()

    def save(self):
        new = self.path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self.values, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)

    def __getitem__(self, key):
        return self.values[key]

    def __contains__(self, key):
        return key in self.values


class PNE:
    def __init__(self, state, name, inbox):
        self.state, self.name, self.inbox = state, name, pathlib.Path(inbox)
        self.inbox.mkdir(parents=True, exist_ok=True)
        self.link = None
        self.streams = {}
        self.settled = []
        self.last_stream = 0

    # Session

    def connect(self, address, identity, key):
        """Opens a link, and exchanges Hello."""
        self.link = Link(address, identity, key, self.state["entity"])
        hello = E.Hello(
            protocol_versions=[1], entity_id=self.state["entity"], modes=[E.MODE_PNE], name=self.name, software="pne.py",
            supported_kinds=[E.KIND_STATUS, E.KIND_KEEP_ALIVE, E.KIND_DELIVERY_OFFER, E.KIND_CONTENT_CHUNK, E.KIND_CONTENT_CLOSE],
            limits=E.LinkLimits(max_frame=LONGEST_FRAME, max_chunk=65536, max_requests=32, max_silence_ms=SILENCE * 1000))
        self.link.send(E.KIND_HELLO, hello)
        first = self.link.receive(10)
        if first is None:
            raise LinkLost("no Hello came")
        if first.kind == E.KIND_STATUS:
            raise Refused(E.Status.FromString(first.body))
        if first.kind != E.KIND_HELLO:
            raise LinkLost("the first message was no Hello")
        theirs = E.Hello.FromString(first.body)
        if E.MODE_PN_GW not in theirs.modes:
            raise LinkLost("the peer is no PN GW")
        return theirs

    def request(self, kind, message, idempotency=b"", seconds=20, target=""):
        """Sends, and serves what comes until the answer is there."""
        sent = self.link.send(kind, message, deadline_ms=seconds * 1000, idempotency=idempotency, target=target)
        end = time.monotonic() + seconds
        while True:
            envelope = self.next(end - time.monotonic())
            if envelope is None:
                raise LinkLost("no answer in time")
            if envelope.correlation_id != sent:
                self.serve(envelope)
            elif envelope.kind == E.KIND_STATUS and E.Status.FromString(envelope.body).code != OK:
                raise Refused(E.Status.FromString(envelope.body))
            else:
                return envelope

    def next(self, seconds):
        """The next envelope, with keep-alives while it does not come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            envelope = self.link.receive(min(SILENCE / 3, end - time.monotonic()))
            if envelope is not None:
                return envelope
            silent = time.monotonic() - self.link.heard
            if silent > SILENCE:
                raise LinkLost("nothing was heard")
            if silent >= SILENCE / 3:
                # Its answer correlates with nothing that waits; hearing it is enough.
                self.link.send(E.KIND_KEEP_ALIVE, E.KeepAlive(), deadline_ms=10_000)
        return None

    def serve(self, envelope):
        if envelope.correlation_id:
            return
        if envelope.kind == E.KIND_CONTENT_CHUNK:
            self.chunk(DEL.ContentChunk.FromString(envelope.body))
        elif envelope.kind == E.KIND_CONTENT_CLOSE:
            close = DEL.ContentClose.FromString(envelope.body)
            if self.streams.pop(close.stream, None):
                say(f"content stopped: {close.reason}")
        elif envelope.deadline_ms:
            kind, answer = self.answer(envelope)
            self.link.send(kind, answer, correlation=envelope.message_id)

    def answer(self, envelope):
        if envelope.origin != self.gateway:
            return E.KIND_STATUS, E.Status(code=E.CODE_FORBIDDEN, detail="origin is not the gateway")
        if envelope.kind == E.KIND_KEEP_ALIVE:
            return E.KIND_STATUS, E.Status(code=OK)
        if envelope.kind == E.KIND_DELIVERY_OFFER:
            return self.offered(DEL.DeliveryOffer.FromString(envelope.body))
        return E.KIND_STATUS, E.Status(code=E.CODE_UNSUPPORTED)

    # Pairing and registration

    def pair(self, address, code):
        text = code.upper().removeprefix("CPNS:PAIR:").replace("-", "").replace(" ", "")
        raw = base64.b32decode(text)
        one_time, hint = raw[:16], raw[16:]
        try:
            hello = self.connect(address, "pair", hkdf(one_time, hint, b"cpns/1 pairing psk"))
        except LinkLost as lost:
            if "alert" in str(lost):
                sys.exit(f"the code was refused: {lost}")
            raise
        if uuid.UUID(hello.entity_id).bytes[:4] != hint:
            raise LinkLost("this is another gateway than the code's")
        self.gateway = hello.entity_id
        answer = self.request(
            E.KIND_PAIR_REQUEST, SEC.PairRequest(entity_id=self.state["entity"], name=self.name), idempotency=os.urandom(16))
        assignment = SEC.KeyAssignment.FromString(answer.body)
        assert assignment.entity_id == self.state["entity"] and assignment.gateway_id == self.gateway
        self.state.values.update(
            gateway=assignment.gateway_id, key=assignment.entity_user_key.hex(), generation=assignment.generation, pn=assignment.pn_id)
        self.state.save()
        self.link.close()
        say(f"paired with {hello.name}")

    def register(self, address):
        self.gateway = self.state["gateway"]
        key = hkdf(bytes.fromhex(self.state["key"]), self.gateway.encode(), b"cpns/1 gateway key")
        hello = self.connect(address, f"eukey:{self.state['entity']}:{self.state['generation']}", key)
        if hello.entity_id != self.gateway:
            raise LinkLost("this is another gateway than ours")
        registration = REG.Registration(name=self.name)
        registration.capabilities.device_type = "computer"
        registration.capabilities.software = "pne.py"
        registration.capabilities.accepts.append("*/*")
        registration.capabilities.bearers.append("wifi")
        registration.services.add(
            service_id=self.state["service"], name=f"{self.name} takes files", service_type="content-reception", offered_by=self.state["entity"])
        self.capabilities = registration.capabilities
        answer = self.request(E.KIND_REGISTRATION, registration, idempotency=os.urandom(16))
        result = REG.RegistrationResult.FromString(answer.body)
        self.server = result.server_id
        say(f"registered in PN {result.pn_id}")

    def look(self):
        """Says who is in the PN, as gateway and server have it, and how each PNE says that it is itself."""
        for keeper, target in (("gateway", ""), ("server", self.server)):
            query, names = REG.InventoryQuery(limit=1), {}
            while True:
                page = REG.Inventory.FromString(self.request(E.KIND_INVENTORY_QUERY, query, target=target).body)
                names.update({entry.entity_id: entry for entry in page.entries})
                if not page.more:
                    break
                query.after = page.entries[-1].entity_id
            say(f"the {keeper} knows {', '.join(sorted(entry.name for entry in names.values()))}")
        for entity, entry in names.items():
            if entry.kind == REG.ENTRY_KIND_PNE and entity != self.state["entity"]:
                try:
                    status = STA.StatusAnswer.FromString(self.request(E.KIND_STATUS_QUERY, STA.StatusQuery(), target=entity).body).status
                    say(f"{entry.name} says that it is {REG.Availability.Name(status.availability)}")
                except Refused as refusal:
                    say(f"{entry.name}: {refusal}")

    # Deliveries

    def offered(self, offer):
        if offer.consumer != self.state["entity"]:
            return E.KIND_STATUS, E.Status(code=E.CODE_NOT_FOUND, detail="not for me")
        known = self.state["deliveries"].get(offer.delivery_id)
        if known is None:
            self.state["deliveries"][offer.delivery_id] = {
                "content": offer.content.SerializeToString().hex(), "result": os.urandom(16).hex(), "usage": f"urn:uuid:{uuid.uuid4()}",
                "accepted": now(), "end": None}
        elif known["end"]:
            known["end"]["told"] = False
        self.state.save()
        return E.KIND_DELIVERY_ANSWER, DEL.DeliveryAnswer(accepted=True)

    def part(self, delivery):
        return self.inbox / (uuid.UUID(delivery).hex + ".part")

    def open(self, delivery, entry):
        """Opens a stream where the file ends."""
        content = DEL.ContentDescription.FromString(bytes.fromhex(entry["content"]))
        part = self.part(delivery)
        offset = part.stat().st_size if part.exists() and content.sha256 else 0
        self.last_stream += 1
        stream = {"delivery": delivery, "offset": offset, "open": CREDIT, "file": open(part, "r+b" if offset else "wb")}
        stream["file"].seek(offset)
        # Before the answer: a chunk comes after it, but request() might read both.
        self.streams[self.last_stream] = stream
        try:
            self.request(E.KIND_CONTENT_OPEN, DEL.ContentOpen(
                content_id=content.content_id, delivery_id=delivery, offset=offset, credit=CREDIT, stream=self.last_stream))
            say(f"receiving {content.name} from byte {offset}")
        except Refused as refusal:
            self.streams.pop(self.last_stream, None)
            if refusal.code not in MAY_RETRY:
                self.end(delivery, entry, DEL.DELIVERY_STATE_FAILED, "content-gone", str(refusal), 0, b"")

    def chunk(self, chunk):
        stream = self.streams.get(chunk.stream)
        if stream is None:
            return
        if chunk.offset != stream["offset"] or len(chunk.data) > stream["open"]:
            raise LinkLost("the gateway broke the flow")
        stream["file"].write(chunk.data)
        stream["offset"] += len(chunk.data)
        stream["open"] -= len(chunk.data)
        if chunk.last:
            del self.streams[chunk.stream]
            self.whole(stream)
        elif stream["open"] <= CREDIT // 2:
            self.link.send(E.KIND_CONTENT_CREDIT, DEL.ContentCredit(stream=chunk.stream, bytes=CREDIT - stream["open"]))
            stream["open"] = CREDIT

    def whole(self, stream):
        stream["file"].flush()
        os.fsync(stream["file"].fileno())
        stream["file"].close()
        delivery = stream["delivery"]
        entry = self.state["deliveries"][delivery]
        content = DEL.ContentDescription.FromString(bytes.fromhex(entry["content"]))
        part = self.part(delivery)
        digest = hashlib.sha256(part.read_bytes()).digest()
        right = (not content.sha256 or digest == content.sha256) and (not content.HasField("size") or content.size == stream["offset"])
        if not right:
            part.unlink()
            say(f"{content.name}: the hash is not right")
            return self.end(delivery, entry, DEL.DELIVERY_STATE_FAILED, "hash-mismatch", "", stream["offset"], digest)
        target = self.inbox / os.path.basename(content.name).lstrip(".")
        os.replace(part, target)
        say(f"received {content.name} {stream['offset']} bytes sha256 {digest.hex()} -> {target}")
        self.end(delivery, entry, DEL.DELIVERY_STATE_DELIVERED, "", "", stream["offset"], digest)

    def end(self, delivery, entry, state, reason, detail, size, digest):
        entry["end"] = {
            "state": state, "reason": reason, "detail": detail[:512], "bytes": size, "sha256": digest.hex(), "at": now(), "told": False, "counted": False}
        self.state.save()

    def report(self, delivery, entry):
        """Result and usage, with the same ids until the gateway says OK."""
        end = entry["end"]
        if not end["told"]:
            result = DEL.DeliveryResult(
                delivery_id=delivery, state=end["state"], reason=end["reason"], detail=end["detail"], bytes=end["bytes"],
                sha256=bytes.fromhex(end["sha256"]))
            end["told"] = self.told(E.KIND_DELIVERY_RESULT, result, bytes.fromhex(entry["result"]))
        if not end["counted"]:
            usage = USE.UsageReport(
                usage_id=entry["usage"], consumer=self.state["entity"], delivery_id=delivery, service_type="content-reception",
                content=DEL.ContentDescription.FromString(bytes.fromhex(entry["content"])), started_ms=entry["accepted"], ended_ms=end["at"],
                bytes=end["bytes"], outcome=end["state"], capabilities=self.capabilities)
            end["counted"] = self.told(E.KIND_USAGE_REPORT, usage, uuid.UUID(entry["usage"]).bytes)
        self.state.save()
        if end["told"] and end["counted"]:
            self.settled.append(end["state"] == DEL.DELIVERY_STATE_DELIVERED)
            say(f"settled {delivery}")

    def told(self, kind, message, idempotency):
        try:
            self.request(kind, message, idempotency=idempotency)
        except Refused as refusal:
            say(f"refused: {refusal}")
            return refusal.code not in MAY_RETRY
        return True

    def work(self, until):
        """One link's life after the registration."""
        while time.monotonic() < until():
            for delivery, entry in list(self.state["deliveries"].items()):
                if entry["end"] is None and not any(s["delivery"] == delivery for s in self.streams.values()):
                    self.open(delivery, entry)
                if entry["end"] and not (entry["end"]["told"] and entry["end"]["counted"]):
                    self.report(delivery, entry)
            envelope = self.next(min(1, max(0, until() - time.monotonic())))
            if envelope is not None:
                self.serve(envelope)


def now():
    return int(time.time() * 1000)


def main():
    options = argparse.ArgumentParser(description="a PNE in Python, to see that the protocol's documents are enough")
    options.add_argument("--gateway", required=True, metavar="HOST:PORT")
    options.add_argument("--pair", metavar="CODE")
    options.add_argument("--state", required=True, metavar="FILE")
    options.add_argument("--inbox", metavar="DIRECTORY", help="default: beside the state, with .inbox at its name")
    options.add_argument("--name", default="python pne")
    options.add_argument("--look", action="store_true", help="say who is in the Personal Network, after each registration")
    options.add_argument("--once", action="store_true", help="end when one delivery is settled")
    options.add_argument("--timeout", type=float, default=0, metavar="SECONDS", help="end with 1 after that; 0: never")
    chosen = options.parse_args()
    state = State(chosen.state)
    pne = PNE(state, chosen.name, chosen.inbox or chosen.state + ".inbox")
    end = time.monotonic() + chosen.timeout if chosen.timeout else float("inf")

    def until():
        return 0 if chosen.once and pne.settled else end

    while time.monotonic() < until():
        try:
            if "key" not in state:
                if not chosen.pair:
                    sys.exit("no key in the state: --pair CODE is needed")
                pne.pair(chosen.gateway, chosen.pair)
            pne.register(chosen.gateway)
            if chosen.look:
                pne.look()
            pne.work(until)
        except LinkLost as lost:
            say(f"link lost: {lost}")
            time.sleep(1)
        except Refused as refusal:
            sys.exit(f"refused: {refusal}")
        finally:
            pne.streams.clear()
            if pne.link:
                pne.link.close()
    sys.exit(0 if not chosen.once or pne.settled and pne.settled[0] else 1)


if __name__ == "__main__":
    main()
