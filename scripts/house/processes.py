"""Programs of the house: started with a log each, waited for by what they say, ended with the house."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time


class Failure(Exception):
    """What went wrong, for people."""


class Process:
    """One program on one host. What it prints is kept, line by line, and can be waited for."""

    MOST_LINES = 20_000

    def __init__(self, name, host, words, log, environment=None, notifies=False, merge=True):
        self.name = name
        self.lines = []
        self._changed = threading.Condition()
        self._log = open(log, "ab", buffering=0)
        self.log = log
        environment = {**os.environ, **(environment or {})}
        self._notify = None
        if notifies:
            self._folder = tempfile.mkdtemp(prefix="pngw-notify-")
            self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            environment["NOTIFY_SOCKET"] = f"{self._folder}/s"
            self._notify.bind(environment["NOTIFY_SOCKET"])
        self.began = time.monotonic()
        self.popen = subprocess.Popen(
            host.command(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else self._log, env=environment, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self):
        """`ip netns exec` becomes the program itself."""
        return self.popen.pid

    def _read(self):
        for line in self.popen.stdout:
            self._log.write(line)
            with self._changed:
                if len(self.lines) < self.MOST_LINES:
                    self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.popen.wait()
            self.popen.stdout.close()
            self._log.close()
            self._changed.notify_all()

    def wait_ready(self, seconds):
        """Waits until it has said READY=1 (sd_notify)."""
        self._notify.settimeout(0.25)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if b"READY=1" in self._notify.recv(4096):
                    seconds = time.monotonic() - self.began
                    self._stop_listening()
                    return seconds
            except socket.timeout:
                if self.popen.poll() is not None:
                    break
        self._stop_listening()
        raise Failure(f"{self.name} did not become ready within {seconds} s; its log ends with\n{self.tail()}")

    def _stop_listening(self):
        self._notify.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def wait_line(self, pattern, seconds, after=0):
        """The first line from number `after` on that matches.
        Returns (match, number of the next line)."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + seconds
        index = after
        with self._changed:
            while True:
                while index < len(self.lines):
                    match = expression.search(self.lines[index])
                    index += 1
                    if match:
                        return match, index
                left = deadline - time.monotonic()
                if left <= 0 or (self.popen.returncode is not None and not self._reader.is_alive()):
                    raise Failure(f"{self.name} did not say /{pattern}/ within {seconds} s; its log ends with\n{self.tail()}")
                self._changed.wait(min(left, 1))

    def wait_end(self, seconds):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {seconds} s; its log ends with\n{self.tail()}") from None

    def tail(self, count=15):
        return "\n".join(f"    {line}" for line in self.lines[-count:])

    @property
    def is_running(self):
        return self.popen.poll() is None

    def kill(self):
        """As a power cut would end it."""
        self._signal(signal.SIGKILL)
        self.popen.wait()

    def stop(self, seconds=10):
        """In good order; killed when it takes too long."""
        self._signal(signal.SIGTERM)
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join(5)
        return self.popen.returncode

    def _signal(self, number):
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, number)


def eventually(seconds, what, check, every=0.05):
    """Asks until the answer is true, for things that tell nobody when they happen."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(every)
