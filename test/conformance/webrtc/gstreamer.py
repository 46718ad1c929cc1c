"""GStreamer's webrtcbin as a publisher and as a viewer, who send their candidates by PATCH. It runs in the Python that Debian's
bindings are for; as a program it is one of the two, for tests that run in another: gstreamer.py publish|watch ROOM TOKEN NAME."""

import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402
from senses import COLOUR, HEIGHT, PITCH, RATE, WIDTH, is_colour, is_tone  # noqa: E402
from whip import Room  # noqa: E402

Gst.init(None)

VP8 = "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96"
OPUS = "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=97"

# The colour comes from an appsrc, because videotestsrc would take it as RGB.
SOURCES = (
    f"appsrc name=colour is-live=true do-timestamp=true format=time"
    f" caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate=15/1"
    f" ! vp8enc deadline=1 keyframe-max-dist=15 ! rtpvp8pay ! capsfilter caps={VP8}",
    f"audiotestsrc is-live=true freq={PITCH} volume=0.3 ! audio/x-raw,rate={RATE},channels=1"
    f" ! opusenc ! rtpopuspay ! capsfilter caps={OPUS}",
)
SINKS = {
    "video": "rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=I420",
    "audio": f"rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE,channels=1,rate={RATE}",
}


class Peer:
    """A pipeline with one webrtcbin."""

    def __init__(self):
        self.pipeline = Gst.Pipeline()
        self.bin = Gst.ElementFactory.make("webrtcbin")
        self.bin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.pipeline.add(self.bin)
        self.bin.connect("on-ice-candidate", self._on_candidate)
        self.bin.connect("notify::ice-gathering-state", self._on_gathering)
        self._candidates, self._gathered = [], threading.Event()

    def _on_candidate(self, _, line: int, candidate: str) -> None:
        if line == 0:
            self._candidates.append(candidate)

    def _on_gathering(self, *_) -> None:
        if self.bin.props.ice_gathering_state == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self._gathered.set()

    def _ask(self, action: str, *arguments):
        promise = Gst.Promise.new()
        self.bin.emit(action, *arguments, promise)
        if promise.wait() != Gst.PromiseResult.REPLIED:
            raise AssertionError(f"{action}: not answered")
        return promise.get_reply()

    def begin(self, ask):
        """Sends an offer without candidates, takes the answer, and sends the candidates after."""
        self.pipeline.set_state(Gst.State.PLAYING)
        reply = self._ask("create-offer", None)  # owns the offer
        offer = reply.get_value("offer")
        self._ask("set-local-description", offer)
        text = offer.sdp.as_text()
        session = ask(text)
        _, answer = GstSdp.SDPMessage.new_from_text(session.answer)
        self._ask("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, answer))
        if not self._gathered.wait(10):
            raise AssertionError("no candidates")
        status = session.trickle(text, self._candidates)
        if status != 204:
            raise AssertionError(f"PATCH: {status}")
        return session

    def close(self) -> None:
        self.pipeline.set_state(Gst.State.NULL)


class Publisher(Peer):
    def __init__(self):
        super().__init__()
        for i, elements in enumerate(SOURCES):
            source = Gst.parse_bin_from_description(elements, True)
            self.pipeline.add(source)
            source.link(self.bin)
            self.bin.emit("get-transceiver", i).props.direction = GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY
        self._stop, self._painter = threading.Event(), threading.Thread(target=self._paint, daemon=True)

    def begin(self, ask):
        self._painter.start()
        return super().begin(ask)

    def _paint(self) -> None:
        sizes = (WIDTH * HEIGHT, WIDTH * HEIGHT // 4, WIDTH * HEIGHT // 4)
        picture = b"".join(bytes([value]) * size for value, size in zip(COLOUR, sizes))
        source = self.pipeline.get_by_name("colour")
        while not self._stop.wait(1 / 15):
            source.emit("push-buffer", Gst.Buffer.new_wrapped(picture))

    def close(self) -> None:
        self._stop.set()
        self._painter.join()
        super().close()


class Viewer(Peer):
    def __init__(self):
        super().__init__()
        for caps in (VP8, OPUS):
            receive = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
            self.bin.emit("add-transceiver", receive, Gst.Caps.from_string(caps))
        self.bin.connect("pad-added", self._on_pad)
        self._arrived, self._sinks = threading.Condition(), {}

    def _on_pad(self, _, pad) -> None:
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        decoder = Gst.parse_bin_from_description(f"queue ! {SINKS[kind]} ! appsink name=sink sync=false", True)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))
        with self._arrived:
            self._sinks[kind] = decoder.get_by_name("sink")
            self._arrived.notify()

    def arrives(self, kind: str, judge, seconds: float = 30) -> None:
        """Waits until what is decoded passes for what was sent."""
        end = time.monotonic() + seconds
        with self._arrived:
            self._arrived.wait_for(lambda: kind in self._sinks, seconds)
        while time.monotonic() < end:
            sample = kind in self._sinks and self._sinks[kind].emit("try-pull-sample", Gst.SECOND)
            if sample and judge(sample):
                return
        raise AssertionError(f"{kind} did not arrive")


def shows_colour(sample) -> bool:
    data, luma = sample.get_buffer().extract_dup(0, sample.get_buffer().get_size()), WIDTH * HEIGHT
    return is_colour([data[:luma], data[luma : luma * 5 // 4], data[luma * 5 // 4 :]])


class Sound:
    """Puts a fifth of a second together."""

    def __init__(self):
        self._kept = b""

    def __call__(self, sample) -> bool:
        self._kept += sample.get_buffer().extract_dup(0, sample.get_buffer().get_size())
        self._kept = self._kept[-RATE // 5 * 2 :]
        return len(self._kept) == RATE // 5 * 2 and is_tone(self._kept, 1)


def publish(room: Room, name: str) -> None:
    """Publishes until standard input ends."""
    publisher = Publisher()
    session = publisher.begin(lambda offer: room.publish(name, offer))
    print("publishing", flush=True)
    sys.stdin.read()
    session.end()
    publisher.close()


def watch(room: Room, name: str) -> None:
    """Watches until picture and sound arrived."""
    viewer = Viewer()
    session = viewer.begin(lambda offer: room.watch(name, offer))
    viewer.arrives("video", shows_colour)
    viewer.arrives("audio", Sound())
    session.end()
    viewer.close()


if __name__ == "__main__":
    role, room, token, name = sys.argv[1:]
    {"publish": publish, "watch": watch}[role](Room(room, token), name)
