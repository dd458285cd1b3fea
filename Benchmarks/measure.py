"""What the kernel says of processes."""

import os
import statistics

TICKS = os.sysconf("SC_CLK_TCK")


def pss(pid):
    """Proportional set size in MB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def cpu(pids):
    """Seconds of processor time, of processes that live."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def spread(values, unit, digits=1):
    """Median, and from least to most."""
    return f"{statistics.median(values):.{digits}f} {unit} ({min(values):.{digits}f} to {max(values):.{digits}f}, {len(values)} runs)"
