"""What a disk may hold after a power cut, played back from what disk.c recorded.

The rules are harder than any file system of today, so that what passes here needs no luck:
- bytes that were written are there for certain only after an fsync of their file; before it, any 512 of them may be there or not;
- a name that was made, moved or removed is so for certain only after an fsync of its folder; before it, the first few changes
  of each folder may have come through, in order.
"""

import os
import random
import struct

HEADER = struct.Struct("=IIIIQQQ")
CREATE, WRITE, TRUNCATE, SYNC, RENAME, UNLINK, MKDIR = range(1, 8)
ACKNOWLEDGED = 100
SECTOR = 512


def acknowledge(log, text):
    """Notes in the log, from the outside, that something was acknowledged."""
    data = text.encode()
    with open(log, "ab", buffering=0) as file:
        file.write(HEADER.pack(ACKNOWLEDGED, len(data), 0, 0, 0, 0, 0) + data)


def records(log):
    """(op, path, second path, inode, offset, data) in order."""
    with open(log, "rb") as file:
        data = file.read()
    at = 0
    while at + HEADER.size <= len(data):
        op, path, other, _, inode, offset, length = HEADER.unpack_from(data, at)
        at += HEADER.size
        first = data[at:at + path].decode()
        second = data[at + path:at + path + other].decode()
        at += path + other
        body = b""
        if op == WRITE:
            body = data[at:at + length]
            at += length
        yield op, first, second, inode, offset, body


class Thing:
    """A file's bytes: those that are there for certain, and what was done since."""

    def __init__(self, data=b""):
        self.durable = bytearray(data)
        self.pending = []

    def sync(self):
        for change in self.pending:
            self._apply(self.durable, change)
        self.pending = []

    @staticmethod
    def _apply(data, change):
        offset, body = change
        if body is None:
            if offset < len(data):
                del data[offset:]
            else:
                data.extend(bytes(offset - len(data)))
            return
        if offset > len(data):
            data.extend(bytes(offset - len(data)))
        data[offset:offset + len(body)] = body

    def after_a_cut(self, chance):
        """`chance`: a random source, or None for the least that is promised."""
        data = bytearray(self.durable)
        if chance is None:
            return data
        fate = chance.random()
        for offset, body in self.pending:
            if fate < 0.25:
                break  # nothing of it
            if body is None or fate > 0.75:
                self._apply(data, (offset, body))
                continue
            for start in range(0, len(body), SECTOR):
                if chance.random() < 0.5:
                    self._apply(data, (offset + start, body[start:start + SECTOR]))
        return data


class Disk:
    def __init__(self, folder):
        """`folder`: what was there when the recording began, all of it durable."""
        self.names = {}
        self.folders = {""}
        self.changes = {}  # folder → changes of names since its last fsync
        self.now = {}  # names as the programs see them
        self.inodes = {}
        for path, folders, files in os.walk(folder):
            for name in folders:
                self.folders.add(os.path.relpath(f"{path}/{name}", folder))
            for name in files:
                relative = os.path.relpath(f"{path}/{name}", folder)
                with open(f"{path}/{name}", "rb") as file:
                    thing = Thing(file.read())
                self.names[relative] = self.now[relative] = thing
                self.inodes[os.stat(f"{path}/{name}").st_ino] = thing

    def play(self, record):
        op, path, other, inode, offset, body = record
        if op == CREATE:
            thing = self.inodes[inode] = self.now[path] = Thing()
            self._change(path, "put", thing)
        elif op == WRITE:
            self.inodes[inode].pending.append((offset, body))
        elif op == TRUNCATE:
            self.inodes[inode].pending.append((offset, None))
        elif op == SYNC:
            if path in self.folders:
                self._sync_folder(path)
            elif inode in self.inodes:
                self.inodes[inode].sync()
        elif op == RENAME:
            thing = self.now.pop(path)
            self.now[other] = thing
            self._change(path, "move", thing, other)
        elif op == UNLINK:
            self.now.pop(path, None)
            self._change(path, "remove")
        elif op == MKDIR:
            self.folders.add(path)

    def _change(self, path, *change):
        self.changes.setdefault(os.path.dirname(path), []).append((path, *change))

    @staticmethod
    def _name(names, change):
        path, verb, *rest = change
        if verb == "put":
            names[path] = rest[0]
        elif verb == "move":
            names.pop(path, None)
            names[rest[1]] = rest[0]
        else:
            names.pop(path, None)

    def _sync_folder(self, folder):
        for change in self.changes.pop(folder, []):
            self._name(self.names, change)

    def after_a_cut(self, chance):
        """path → bytes"""
        names = dict(self.names)
        for changes in self.changes.values():
            for change in changes[:0 if chance is None else chance.randint(0, len(changes))]:
                self._name(names, change)
        return {path: thing.after_a_cut(chance) for path, thing in names.items()}

    def write_after_a_cut(self, target, chance):
        for folder in sorted(self.folders):
            os.makedirs(f"{target}/{folder}", exist_ok=True)
        for path, data in self.after_a_cut(chance).items():
            if path.endswith("-shm"):
                continue  # memory, not disk
            with open(f"{target}/{path}", "wb") as file:
                file.write(data)
            os.chmod(f"{target}/{path}", 0o600)


def cuts(disk, log, count, seed):
    """Random moments of a recording that began with `disk`: yields (number, what had been acknowledged, a random source); the disk is as it
    was then, and goes on."""
    chance = random.Random(seed)
    whole = list(records(log))
    first = next((index for index, record in enumerate(whole) if record[0] == ACKNOWLEDGED), 0)
    moments = sorted(chance.randint(first, len(whole)) for _ in range(count))
    acknowledged, at = [], 0
    for number, moment in enumerate(moments):
        while at < moment:
            if whole[at][0] == ACKNOWLEDGED:
                acknowledged.append(whole[at][1])
            else:
                disk.play(whole[at])
            at += 1
        yield number, list(acknowledged), chance
