"""Real devices that know nothing of CPNS: a renderer, a media server, and the machine's own mDNS responder, one for each host."""

import os
import shutil

from .processes import Process

TV_UDN = "7a1e0f6c-0d5b-4c7e-9d4e-0c9f3b1a2d01"
NAS_UUID = "4d696e69-444c-164e-9d41-7077000000aa"


def renderer(host, folder, name="Living Room TV", udn=TV_UDN, port=49494, interface=None):
    """gmediarender, playing into nothing at the speed of time."""
    interface = interface or next(iter(host.addresses))
    os.makedirs(folder, exist_ok=True)
    return Process(
        name, host,
        ["gmediarender", "-I", interface, "-p", str(port), "-f", name, "-u", udn, "--gstout-audiopipe=fakesink sync=true",
         "--gstout-videopipe=fakesink sync=true", "--logfile=stdout"],
        f"{folder}/{host.name}-renderer.log", environment={"GST_REGISTRY": f"{folder}/gst-registry.bin", "HOME": folder})


def media_server(host, folder, files, name="House NAS", interface=None):
    """minidlna with `files` in its library."""
    interface = interface or next(iter(host.addresses))
    state = f"{folder}/{host.name}-minidlna"
    shutil.rmtree(state, ignore_errors=True)
    os.makedirs(f"{state}/media")
    for file in files:
        shutil.copy(file, f"{state}/media/")
    with open(f"{state}/minidlna.conf", "w", encoding="utf-8") as file:
        file.write(
            f"network_interface={interface}\nport=8200\nmedia_dir={state}/media\nfriendly_name={name}\ndb_dir={state}\nlog_dir={state}\n"
            f"inotify=no\nnotify_interval=60\nroot_container=.\nuuid={NAS_UUID}\n")
    return Process(name, host, ["minidlnad", "-S", "-R", "-f", f"{state}/minidlna.conf", "-P", f"{state}/pid"], f"{state}/log")


class Responder:
    """avahi-daemon with a D-Bus of its own, since each host has its own network.

    Programs on that host find it by ``environment``."""

    def __init__(self, host, folder, interface=None):
        self.host = host
        self.interface = interface or next(iter(host.addresses))
        self.folder = f"{folder}/{host.name}-avahi"
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(f"{self.folder}/run")
        self.bus = f"{self.folder}/bus"
        self._write()
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.bus}"}
        self.dbus = self._start_bus()
        self.avahi = None

    def _start_bus(self):
        bus = Process(
            "dbus", self.host, ["dbus-daemon", f"--config-file={self.folder}/dbus.conf", "--nofork", "--nopidfile", "--print-address=1"],
            f"{self.folder}/dbus.log")
        bus.wait_line("unix:path", 10)
        return bus

    def start(self):
        # Its own /run, so that the responders of two hosts do not take each other's socket.
        inner = (
            f"mount --bind {self.folder}/run /run && mkdir -p /run/avahi-daemon && "
            f"exec avahi-daemon -f {self.folder}/avahi.conf --no-drop-root --no-chroot --no-rlimits")
        self.avahi = Process(
            "avahi", self.host, ["unshare", "-m", "--propagation", "private", "sh", "-c", inner], f"{self.folder}/avahi.log",
            environment=self.environment)
        self.avahi.wait_line("Server startup complete", 15)
        return self

    def kill(self):
        self.avahi.kill()

    def _write(self):
        with open(f"{self.folder}/dbus.conf", "w", encoding="utf-8") as file:
            file.write(
                '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" '
                '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">\n'
                f"<busconfig><type>system</type><listen>unix:path={self.bus}</listen><auth>EXTERNAL</auth>\n"
                '<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>'
                '<allow send_type="method_return"/><allow send_type="error"/><allow receive_type="method_call"/>'
                '<allow receive_type="signal"/><allow receive_type="method_return"/><allow receive_type="error"/></policy></busconfig>\n')
        with open(f"{self.folder}/avahi.conf", "w", encoding="utf-8") as file:
            file.write(
                f"[server]\nhost-name={self.host.name}\ndomain-name=local\nuse-ipv4=yes\nuse-ipv6=no\nallow-interfaces={self.interface}\n"
                "ratelimit-interval-usec=1000000\nratelimit-burst=1000\n[wide-area]\nenable-wide-area=no\n"
                "[publish]\npublish-hinfo=no\npublish-workstation=no\n[rlimits]\n")
