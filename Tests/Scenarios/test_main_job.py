"""The main job: a TV in the Personal Network, content to it, and a track from the media server to a PNE."""

import os
import unittest

from house import media
from house.house import NAS, PHONE, TV
from house.processes import eventually
from house.renderers import TransportWatch
from house.sniffer import Sniffer
from house.story import find_track, sha256
from scenario import HouseTest


class MainJob(HouseTest):
    @classmethod
    def bring_up(cls):
        cls.house.start_responders()
        cls.house.start_devices()
        cls.house.start_gateway()
        cls.house.pair_phone()
        for name in (TV, NAS, PHONE):
            eventually(30, f"{name} online at the server", lambda name=name: cls.house.online_at_server(name))

    def test_the_tv_is_a_pne_with_its_capabilities(self):
        tv = self.house.server.pne(TV)
        self.assertEqual(tv["kind"], "virtual-pne")
        for one in ("image/jpeg", "audio/mpeg", "video/quicktime"):  # as gmediarender lists them
            self.assertTrue(one in tv["capabilities"]["accepts"], one)
        self.assertEqual([service["service_type"] for service in tv["services"]], ["media-rendering"])
        nas = self.house.server.pne(NAS)
        self.assertEqual([service["service_type"] for service in nas["services"]], ["media-library"])

    def test_the_clip_plays_and_the_tv_fetches_the_files_bytes(self):
        path = self.house.media["clip.mp4"]
        content = self.api.upload("clip.mp4", "video/mp4", path)
        self.assertEqual(content["sha256"], sha256(path))
        watch = TransportWatch(self.house.phone_host, "10.77.0.20")
        sniffer = Sniffer(self.house.tv_host, "10.77.0.10", 7422)
        end = self.house.delivered(self.house.server.push(content, self.house.server.pne(TV)))
        eventually(3, "the TV itself says that it stopped", lambda: watch.states[-1] == "STOPPED")
        states = watch.stop()
        sniffer.stop()
        self.assertEqual(end["state"], "delivered", end)
        self.assertEqual(end["bytes"], os.path.getsize(path))
        self.assertIn("PLAYING", states)
        self.assertLess(states.index("PLAYING"), len(states) - 1, states)
        fetched, seen = sniffer.content(os.path.getsize(path))
        self.assertEqual(seen.count(0), 0, "bytes that the TV never got")
        with open(path, "rb") as file:
            self.assertEqual(fetched, file.read())

    def test_a_photo_is_shown_and_its_usage_counted_once(self):
        before = len(self.api.get("/v1/usage")["usage"])
        content = self.api.upload("photo.jpg", "image/jpeg", self.house.media["photo.jpg"])
        delivery = self.house.server.push(content, self.house.server.pne(TV))
        self.assertEqual(self.house.delivered(delivery)["state"], "delivered")
        usage = eventually(
            10, "the usage record", lambda: [
                record for record in self.api.get("/v1/usage")["usage"] if record["delivery_id"] == delivery["delivery_id"]])
        self.assertEqual(len(usage), 1)
        self.assertEqual(usage[0]["consumer"], self.house.server.pne(TV)["entity_id"])
        self.assertEqual(usage[0]["capabilities"]["device_type"], "television")
        self.assertGreaterEqual(len(self.api.get("/v1/usage")["usage"]), before + 1)

    def test_a_pne_gets_content_from_the_server(self):
        path = self.house.media["clip.mp4"]
        content = self.api.upload("for-the-phone.mp4", "video/mp4", path)
        mark = len(self.house.phone.process.lines)
        end = self.house.delivered(self.house.server.push(content, self.house.server.pne(PHONE)))
        self.assertEqual(end["state"], "delivered", end)
        match, _ = self.house.phone.process.wait_line(r"^received .* sha256 ([0-9a-f]{64}) -> (.*)", 10, after=mark)
        self.assertEqual(match[1], sha256(path))
        self.assertEqual(sha256(match[2]), sha256(path))

    def test_a_track_goes_from_the_media_server_to_the_pne(self):
        nas = self.house.gateway.entry(NAS)
        track = eventually(30, "the library is read", lambda: find_track(self.house, nas, "0", 4))
        mark = len(self.house.phone.process.lines)
        self.admin.post("/v1/deliveries", {
            "consumer": self.house.gateway.entry(PHONE)["entity_id"], "from": nas["entity_id"], "object": track["id"]})
        match, _ = self.house.phone.process.wait_line(r"^received .* sha256 ([0-9a-f]{64})", 60, after=mark)
        self.assertIn(match[1], [sha256(self.house.media[name]) for name in media.RECIPES if name.endswith(".mp3")])

    def test_content_that_the_tv_cannot_play_is_refused_in_words(self):
        content = self.api.upload("notes.pdf", "application/pdf", self.house.media["photo.jpg"])
        end = self.house.delivered(self.house.server.push(content, self.house.server.pne(TV)))
        self.assertEqual((end["state"], end["reason"]), ("failed", "not-playable"))
        self.assertIn("application/pdf", end["detail"])

    def test_what_the_log_says_has_no_secret(self):
        with open(f"{self.house.gateway.folder}/pngwd.log", encoding="utf-8", errors="replace") as file:
            log = file.read()
        with open(f"{self.house.server.folder}/state/api-token", encoding="ascii") as file:
            self.assertNotIn(file.read().strip(), log)
        self.assertNotIn("PRIVATE KEY", log)


if __name__ == "__main__":
    unittest.main()
