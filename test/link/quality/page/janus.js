// As much of the API of Janus's videoroom as a call needs.

/** What our SDK gives a picture of 960x540, too; in the order that Janus's own library has. */
const encodings = [
  { rid: "h", scaleResolutionDownBy: 1, maxBitrate: 1_200_000 },
  { rid: "m", scaleResolutionDownBy: 2, maxBitrate: 337_500 },
  { rid: "l", scaleResolutionDownBy: 4, maxBitrate: 97_500 },
];
const keepAlive = 20_000;

class Plugin {
  #socket;
  #waiting = new Map();
  #ids = {};
  #last = 0;

  static async attach({ url }) {
    const plugin = new Plugin();
    await plugin.#open(url);
    plugin.#ids = { session_id: (await plugin.#ask({ janus: "create" })).data.id };
    const { data } = await plugin.#ask({ janus: "attach", plugin: "janus.plugin.videoroom" });
    setInterval(() => plugin.#send({ janus: "keepalive" }), keepAlive);
    plugin.#ids.handle_id = data.id;
    return plugin;
  }

  /** Sends a message to the plugin and waits for its event. */
  async message(body, jsep) {
    const event = await this.#ask({ janus: "message", body, ...(jsep && { jsep }) });
    const { error } = event.plugindata.data;
    if (error) throw new Error(`janus: ${error}`);
    return { data: event.plugindata.data, jsep: event.jsep };
  }

  #open(url) {
    this.#socket = new WebSocket(url, "janus-protocol");
    this.#socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(data)));
    this.#socket.addEventListener("close", () => probe.note("signalling closed"));
    return new Promise((resolve, reject) => {
      this.#socket.addEventListener("open", resolve);
      this.#socket.addEventListener("error", () => reject(new Error("no connection to janus")));
    });
  }

  #take(frame) {
    // A message is acknowledged first, and answered by an event.
    if (frame.janus === "ack") return;
    if (frame.janus === "hangup" || frame.janus === "timeout")
      probe.note(`janus: ${frame.janus} ${frame.reason ?? ""}`);
    this.#waiting.get(frame.transaction)?.(frame);
    this.#waiting.delete(frame.transaction);
  }

  #send(frame) {
    const transaction = String(++this.#last);
    this.#socket.send(JSON.stringify({ ...frame, ...this.#ids, transaction }));
    return transaction;
  }

  #ask(frame) {
    return new Promise((resolve) => this.#waiting.set(this.#send(frame), resolve));
  }
}

/** Waits for an event after which something is so, unless it is so already. */
async function until(peer, event, isSo) {
  while (!isSo()) await new Promise((resolve) => peer.addEventListener(event, resolve, { once: true }));
}

/** A description with all candidates in it. */
async function described(peer) {
  await until(peer, "icegatheringstatechange", () => peer.iceGatheringState === "complete");
  return peer.localDescription.toJSON();
}

export async function publish(where, size) {
  const media = await probe.capture(size);
  const plugin = await Plugin.attach(where);
  await plugin.message({ request: "join", ptype: "publisher", room: where.room });
  const peer = new RTCPeerConnection();
  peer.addTransceiver(media.getAudioTracks()[0], { direction: "sendonly" });
  peer.addTransceiver(media.getVideoTracks()[0], { direction: "sendonly", sendEncodings: encodings });
  await peer.setLocalDescription();
  const { jsep } = await plugin.message({ request: "publish" }, await described(peer));
  await peer.setRemoteDescription(jsep);
  // Before that Janus tells nobody of it.
  await until(peer, "connectionstatechange", () => peer.connectionState === "connected");
}

/** The id of who publishes, once Janus lists one: over a bad link its media is not there at once. */
async function publisherOf(lister, room) {
  for (;;) {
    const { data } = await lister.message({ request: "listparticipants", room });
    const found = data.participants.find(({ publisher }) => publisher);
    if (found) return found.id;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export async function watch(where) {
  const feed = await publisherOf(await Plugin.attach(where), where.room);
  const plugin = await Plugin.attach(where);
  const { jsep } = await plugin.message({
    request: "join",
    ptype: "subscriber",
    room: where.room,
    streams: [{ feed }],
  });
  const peer = new RTCPeerConnection();
  peer.addEventListener("track", ({ track }) => probe.show([track]));
  await peer.setRemoteDescription(jsep);
  await peer.setLocalDescription();
  await plugin.message({ request: "start" }, await described(peer));
}
