import { type AudioPublishOptions, LocalMedia, type VideoPublishOptions } from "@rotunda/video";
import { flashes } from "./flash.js";
import { Reporting } from "./reporting.js";

/** What this page publishes. */
export class Publishing extends Reporting {
  /** The user's devices, as the SDK captures them. */
  readonly media = new LocalMedia({ camera: { width: { ideal: 640 }, height: { ideal: 360 } } });
  readonly #own: Record<string, { audio?: MediaStreamTrack; video?: MediaStreamTrack }> = {};

  /** Publishes camera and microphone as `self`. */
  async publishCamera(
    size: { width: number; height: number },
    options: VideoPublishOptions = {},
    audioOptions: AudioPublishOptions = {},
  ): Promise<void> {
    const media = await navigator.mediaDevices.getUserMedia({
      video: { width: { exact: size.width }, height: { exact: size.height } },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const [audio] = media.getAudioTracks();
    const [video] = media.getVideoTracks();
    this.#own.self = { audio, video };
    await this.room.addStream("self", {
      audio: { track: audio, options: audioOptions },
      video: { track: video, options },
    });
  }

  /** Publishes as `self` a picture and a sound made here, in step: every second a white flash and a beep, for 200 ms. */
  async publishFlashes(): Promise<void> {
    const { audio, video } = await flashes();
    this.#own.self = { audio, video };
    await this.room.addStream("self", { audio, video: { track: video } });
  }

  /** Publishes as `self` a sound made here: one pitch on the left, another on the right. */
  async publishStereo(left: number, right: number, options: AudioPublishOptions): Promise<void> {
    const context = new AudioContext({ sampleRate: 48_000 });
    const merger = context.createChannelMerger(2);
    for (const [channel, frequency] of [left, right].entries()) {
      const tone = new OscillatorNode(context, { frequency });
      tone.connect(merger, 0, channel);
      tone.start();
    }
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 2 });
    merger.connect(destination);
    const [track] = destination.stream.getAudioTracks();
    this.#own.self = { audio: track };
    await this.room.addStream("self", { audio: { track, options } });
  }

  /** Publishes what the SDK captures: camera and microphone, and later the screen. */
  async publishMedia(): Promise<void> {
    await this.media.open();
    this.media.publish(this.room, { onError: (error) => console.error(error.code) });
  }

  /** Limits the bits of the sound of `self`. */
  async limitSound(maxBitrate: number): Promise<void> {
    const { audio, video } = this.#own.self ?? {};
    await this.room.updateStream("self", { audio: { track: audio, options: { maxBitrate } }, video });
  }

  /** Switches a track of `self` and says so, as an application does. */
  async switch(kind: "audio" | "video", on: boolean): Promise<void> {
    const { audio, video } = this.#own.self ?? {};
    const track = kind === "audio" ? audio : video;
    if (!track) throw new Error(`no ${kind} is published`);
    track.enabled = on;
    await this.room.updateStream("self", { audio, video });
  }

  /** Switches the microphone back on without a word to the server. */
  cheat(): void {
    const { audio } = this.#own.self ?? {};
    if (audio) audio.enabled = true;
  }

  /** Ends the camera's track as a device does that is pulled out. */
  pullCamera(): void {
    const track = this.#own.self?.video;
    track?.stop();
    // A page's own `stop` fires no event; a device that goes away does.
    track?.dispatchEvent(new Event("ended"));
  }

  /** Closes the camera, or opens it again. */
  async camera(on: boolean): Promise<void> {
    const own = this.#own.self;
    if (!own) throw new Error("no camera is published");
    const settings = own.video?.getSettings();
    own.video?.stop();
    own.video = undefined;
    if (on) {
      const media = await navigator.mediaDevices.getUserMedia({
        video: { width: 640, height: 360, ...settings },
      });
      own.video = media.getVideoTracks()[0];
    }
    await this.room.updateStream("self", own);
  }

  /** Shares this very tab as `presentation`. */
  async share(): Promise<void> {
    const media = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false });
    const [video] = media.getVideoTracks();
    this.#own.presentation = { video };
    await this.room.addStream("presentation", { video });
  }

  async unshare(): Promise<void> {
    this.#own.presentation?.video?.stop();
    await this.room.removeStream("presentation");
  }

  /** The browser's figures of each size that is sent of the camera, smallest first. */
  async sent(): Promise<Record<string, unknown>[]> {
    const { senders } = await this.room.getWebRTCStatsForStream(this.room.getLocalParticipant().id, "self");
    const reports = Object.values(senders.video ?? {}) as Record<string, unknown>[];
    return reports.filter(({ type }) => type === "outbound-rtp");
  }

  /** What was sent of this client's sound until now. */
  async sentSound(key: string): Promise<{ bytes: number; packets: number }> {
    const { senders } = await this.room.getWebRTCStatsForStream(this.room.getLocalParticipant().id, key);
    const reports = Object.values(senders.audio ?? {}) as Record<string, unknown>[];
    const outbound = reports.find(({ type }) => type === "outbound-rtp");
    return { bytes: Number(outbound?.bytesSent), packets: Number(outbound?.packetsSent) };
  }
}
