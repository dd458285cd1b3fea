"""What every scenario has: a house that is ended whatever happens."""

import unittest

from house import sandbox
from house.house import House


class HouseTest(unittest.TestCase):
    """One house for all tests of a class; `bring_up` says what of it is started."""

    settings = None
    server_settings = None
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not sandbox.is_inside():
            raise RuntimeError("run scenarios by Tests/Scenarios/run, which gives each a network of its own")
        cls.house = House(settings=cls.settings, server_settings=cls.server_settings)
        cls.bring_up()

    @classmethod
    def bring_up(cls):
        raise NotImplementedError

    @classmethod
    def tearDownClass(cls):
        for program in (cls.house.phone, cls.house.gateway, cls.house.server):
            if program.process and program.process.is_running:
                program.stop()

    @property
    def api(self):
        return self.house.server.api

    @property
    def admin(self):
        return self.house.gateway.admin
