"""aiortc publishes and watches: itself, and GStreamer in its own Python."""

import asyncio
import fractions
import math
import pathlib
import time
import unittest
from array import array

import aioice.ice
import av
from aiortc import AudioStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from senses import COLOUR, HEIGHT, PITCH, RATE, WIDTH, is_colour, is_tone
from whip import LINK, Room

# Otherwise it leaves loopback out, and nothing else is sure to be there.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class Colour(VideoStreamTrack):
    async def recv(self):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane, value in zip(frame.planes, COLOUR):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.time_base = await self.next_timestamp()
        return frame


class Tone(AudioStreamTrack):
    BLOCK = RATE // 50

    _sent = 0
    _begun = None

    async def recv(self):
        self._begun = self._begun or time.monotonic()
        await asyncio.sleep(max(0, self._begun + self._sent / RATE - time.monotonic()))
        wave = (8000 * math.sin(2 * math.pi * PITCH * (self._sent + i) / RATE) for i in range(self.BLOCK))
        frame = av.AudioFrame("s16", "mono", self.BLOCK)
        frame.planes[0].update(array("h", map(int, wave)).tobytes())
        frame.pts, frame.sample_rate, frame.time_base = self._sent, RATE, fractions.Fraction(1, RATE)
        self._sent += self.BLOCK
        return frame


def planes_of(frame) -> list[bytes]:
    frame = frame.reformat(format="yuv420p")
    shrink = (1, 2, 2)
    return [
        b"".join(bytes(plane)[row * plane.line_size :][: frame.width // by] for row in range(frame.height // by))
        for plane, by in zip(frame.planes, shrink)
    ]


async def saw_colour(track) -> None:
    """Waits for the colour; before it there may be what a decoder shows without a keyframe."""
    while not is_colour(planes_of(await track.recv())):
        pass


async def heard_tone(track) -> None:
    """Waits for a fifth of a second of the tone."""
    while True:
        frames = [await track.recv() for _ in range(10)]
        sound = b"".join(bytes(frame.planes[0])[: frame.samples * len(frame.layout.channels) * 2] for frame in frames)
        if is_tone(sound, len(frames[0].layout.channels)):
            return


class Aiortc(unittest.IsolatedAsyncioTestCase):
    async def begin(self, peer: RTCPeerConnection, ask):
        """Makes an offer, has it answered, and returns the session and the offer."""
        await peer.setLocalDescription(await peer.createOffer())
        offer = peer.localDescription.sdp
        session = await asyncio.to_thread(ask, offer)
        await peer.setRemoteDescription(RTCSessionDescription(session.answer, "answer"))
        return session, offer

    def peer(self) -> RTCPeerConnection:
        peer = RTCPeerConnection()
        self.addAsyncCleanup(peer.close)
        return peer

    async def publish(self, room: Room):
        publisher = self.peer()
        for track in (Tone(), Colour()):
            publisher.addTransceiver(track, direction="sendonly")
        return await self.begin(publisher, lambda offer: room.publish("camera", offer))

    async def watch(self, room: Room):
        """Returns the session when picture and sound arrived."""
        viewer, tracks = self.peer(), {}
        viewer.on("track", lambda track: tracks.setdefault(track.kind, track))
        viewer.addTransceiver("audio", direction="recvonly")
        viewer.addTransceiver("video", direction="recvonly")
        session, _ = await self.begin(viewer, lambda offer: room.watch("camera", offer))
        await asyncio.wait_for(asyncio.gather(saw_colour(tracks["video"]), heard_tone(tracks["audio"])), 30)
        return session

    async def gstreamer(self, role: str, room: Room) -> asyncio.subprocess.Process:
        program = pathlib.Path(__file__).with_name("gstreamer.py")
        process = await asyncio.create_subprocess_exec(
            "/usr/bin/python3", program, role, room.id, room.token, "camera", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )

        async def stop():
            if process.returncode is None:
                process.kill()
                await process.wait()

        self.addAsyncCleanup(stop)
        return process

    async def test_publishes_and_watches(self):
        room = Room()
        publishing, offer = await self.publish(room)
        candidates = [line.removeprefix("a=") for line in offer.splitlines() if line.startswith("a=candidate:")]
        self.assertEqual(publishing.trickle(offer, candidates), 204)
        watching = await self.watch(room)
        for session in (publishing, watching):
            self.assertIn(LINK, session.links)  # beside those of the server itself
        self.assertEqual(watching.end(), 200)
        self.assertEqual(publishing.end(), 200)
        self.assertEqual(publishing.end(), 404)

    async def test_watches_what_gstreamer_publishes(self):
        room = Room()
        publisher = await self.gstreamer("publish", room)
        self.assertEqual(await publisher.stdout.readline(), b"publishing\n")
        await self.watch(room)
        await publisher.communicate(b"")
        self.assertEqual(publisher.returncode, 0)

    async def test_publishes_what_gstreamer_watches(self):
        room = Room()
        await self.publish(room)
        viewer = await self.gstreamer("watch", room)
        await viewer.communicate()
        self.assertEqual(viewer.returncode, 0)
