/** How a flash and its beep come and go, in seconds. */
const period = 1;
const length = 0.2;

/** A picture that flashes and a sound that beeps, both by the clock of the sound. */
export async function flashes(): Promise<{ audio: MediaStreamTrack; video: MediaStreamTrack }> {
  const sound = new AudioContext({ sampleRate: 48_000 });
  await sound.resume();
  const beep = new OscillatorNode(sound, { frequency: 1_000 });
  const loudness = new GainNode(sound, { gain: 0 });
  const out = new MediaStreamAudioDestinationNode(sound);
  beep.connect(loudness).connect(out);
  beep.start();
  for (let at = Math.ceil(sound.currentTime) + period; at < 60; at += period) {
    loudness.gain.setValueAtTime(0.5, at);
    loudness.gain.setValueAtTime(0, at + length);
  }
  const canvas = document.createElement("canvas");
  canvas.width = 320;
  canvas.height = 180;
  const picture = canvas.getContext("2d") as CanvasRenderingContext2D;
  setInterval(() => {
    picture.fillStyle = sound.currentTime % period < length ? "white" : "black";
    picture.fillRect(0, 0, canvas.width, canvas.height);
    // Something that moves, so that a frame is sent each time.
    picture.fillStyle = "gray";
    picture.fillRect((sound.currentTime * 60) % canvas.width, canvas.height - 8, 8, 8);
  }, 1000 / 60);
  const [audio] = out.stream.getAudioTracks();
  const [video] = canvas.captureStream(30).getVideoTracks();
  if (!audio || !video) throw new Error("the browser made no tracks");
  return { audio, video };
}
