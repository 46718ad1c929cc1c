// What a page sees of its calls, gathered until the harness takes it. Times are milliseconds of the machine's clock.
const probe = (() => {
  const interval = 200;
  const fields = [
    "type",
    "kind",
    "ssrc",
    "rid",
    "framesDecoded",
    "framesEncoded",
    "frameHeight",
    "freezeCount",
    "totalFreezesDuration",
    "bytesReceived",
    "bytesSent",
    "packetsReceived",
    "packetsLost",
    "nackCount",
    "pliCount",
    "concealedSamples",
    "totalSamplesReceived",
    "currentRoundTripTime",
    "targetBitrate",
    "active",
    "qualityLimitationReason",
  ];
  const wanted = ["inbound-rtp", "outbound-rtp", "candidate-pair"];
  const connections = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration) {
      super(configuration);
      connections.push(this);
      this.addEventListener("connectionstatechange", () =>
        note(`connection ${connections.indexOf(this)} ${this.connectionState}`),
      );
    }
  };

  for (const name of ["online", "offline"]) addEventListener(name, () => note(name));
  navigator.connection?.addEventListener("change", () => note("the network changed"));

  let samples = [];
  let frames = [];
  let notes = [];
  const now = () => performance.timeOrigin + performance.now();
  const note = (text) => notes.push({ at: now(), text });

  async function sample() {
    const reports = [];
    for (const [connection, peer] of connections.entries()) {
      if (peer.connectionState === "closed") continue;
      for (const report of (await peer.getStats()).values()) {
        if (!wanted.includes(report.type) || (report.type === "candidate-pair" && !report.nominated))
          continue;
        reports.push({
          connection,
          ...Object.fromEntries(fields.filter((name) => name in report).map((name) => [name, report[name]])),
        });
      }
    }
    samples.push({ at: now(), reports });
  }

  let shown;
  const video = () => document.querySelector("video");

  /** Shows the tracks of a stream in place of what was shown. */
  function show(tracks) {
    for (const track of tracks) {
      const element = track.kind === "video" ? video() : document.querySelector("audio");
      if (element.srcObject?.getTracks()[0] === track) continue;
      element.srcObject = new MediaStream([track]);
      if (track.kind === "video") watch();
    }
  }

  function watch() {
    shown = Symbol();
    const mine = shown;
    const next = () => {
      if (mine !== shown) return;
      frames.push(now());
      video().requestVideoFrameCallback(next);
    };
    video().requestVideoFrameCallback(next);
  }

  const capture = (size) =>
    navigator.mediaDevices.getUserMedia({
      video: size && { width: { exact: size.width }, height: { exact: size.height } },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });

  /** How many pictures were shown. */
  const seen = () => frames.length;

  /** How many in each of the last three seconds, on average. */
  const rate = () => frames.filter((at) => at > now() - 3_000).length / 3;

  /** Who watches has allowed the microphone, as in a call: without that, browsers hide their addresses. */
  async function allow() {
    for (const track of (await capture(undefined)).getTracks()) track.stop();
  }

  function take() {
    const taken = { samples, frames, notes };
    [samples, frames, notes] = [[], [], []];
    return taken;
  }

  setInterval(sample, interval);
  return { show, capture, allow, seen, rate, take, note };
})();
globalThis.probe = probe;
