"""An idle gateway: what it writes to its disk, the time that it takes of a core, and its memory.

Measured over SECONDS (20; 600 is the long form), with a PNE and the server connected, and held against a day's bounds. Written are the
bytes that the kernel counts for the process, and, because most of that is asked for by fsync, the recording of disk.c, byte by byte. What happens
once an hour (the clock's file) is added as such.
"""

import os
import shutil
import time
import unittest

import bench
import playback

SECONDS = int(os.environ.get("SECONDS", "20"))
DAY = 86_400
MOST_BYTES_A_DAY = 5_000_000
MOST_OF_A_CORE = 0.01
# Growth that is no noise, in kB.
MOST_GROWTH = 2048
# Each change of a file costs a page of 4 kB and one of its inode, at most.
PAGE = 4096
HOURLY = 24 * 2 * PAGE


class Idle(unittest.TestCase):
    def setUp(self):
        self.folder = bench.memory_folder("idle")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = bench.server(f"{self.folder}/server")
        self.server.start()
        self.addCleanup(lambda: self.server.kill())
        state = f"{self.folder}/gateway/state"
        os.makedirs(state, mode=0o700)
        self.log = f"{self.folder}/log"
        self.box = bench.gateway(
            f"{self.folder}/gateway", environment={"LD_PRELOAD": bench.preloaded("disk"), "DISK_ROOT": state, "DISK_LOG": self.log})
        self.box.start()
        self.addCleanup(lambda: self.box.kill())
        self.box.enrol(self.server)
        self.phone = bench.phone(f"{self.folder}/phone")
        bench.pair(self.box, self.phone)
        self.addCleanup(lambda: self.phone.process.stop())

    def cpu(self):
        with open(f"/proc/{self.box.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        with open(f"/proc/{self.box.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def written(self):
        """Bytes and pages: a write of ten bytes costs a page."""
        data = pages = 0
        for op, _, _, _, offset, body in playback.records(self.log):
            if op == playback.WRITE:
                data += len(body)
                pages += (offset + len(body) - 1) // PAGE - offset // PAGE + 1
            elif op != playback.SYNC:
                pages += 1
        return data, pages * PAGE

    def test_it_writes_little_and_takes_little(self):
        time.sleep(5)  # what a start leaves to do is done
        cpu, memory, written, began = self.cpu(), self.resident(), self.written(), time.monotonic()
        time.sleep(SECONDS)  # the idle time itself
        seconds = time.monotonic() - began
        core = (self.cpu() - cpu) / seconds
        growth = self.resident() - memory
        pages = (self.written()[1] - written[1]) * DAY / seconds + HOURLY
        print(
            f"\nidle: {seconds:.0f} s measured; {core * 100:.2f} % of a core, {pages / 1e6:.2f} MB of pages written in a day at this rate, "
            f"memory {growth:+d} kB to {self.resident()} kB", flush=True)
        self.assertLess(core, MOST_OF_A_CORE)
        self.assertLess(pages, MOST_BYTES_A_DAY)
        self.assertLess(growth, MOST_GROWTH)


if __name__ == "__main__":
    unittest.main()
