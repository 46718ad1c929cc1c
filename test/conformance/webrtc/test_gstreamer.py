"""GStreamer publishes and watches."""

import unittest

from gstreamer import Publisher, Sound, Viewer, shows_colour
from whip import LINK, Room


class GStreamer(unittest.TestCase):
    def test_publishes_and_watches(self):
        room = Room()
        publisher = Publisher()
        self.addCleanup(publisher.close)
        publishing = publisher.begin(lambda offer: room.publish("camera", offer))
        viewer = Viewer()
        self.addCleanup(viewer.close)
        watching = viewer.begin(lambda offer: room.watch("camera", offer))
        viewer.arrives("video", shows_colour)
        viewer.arrives("audio", Sound())
        for session in (publishing, watching):
            self.assertIn(LINK, session.links)  # beside those of the server itself
        self.assertEqual(watching.end(), 200)
        self.assertEqual(publishing.end(), 200)
        self.assertEqual(publishing.end(), 404)
