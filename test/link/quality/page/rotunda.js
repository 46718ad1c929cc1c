import { initialize } from "@rotunda/video";

async function join({ serverUrl, roomId, clientToken }) {
  const logger = (_level, message) => probe.note(message);
  const room = await initialize({ serverUrl, roomId, clientToken, logLevel: "INFO", logger });
  room.on("disconnected", (reason) => probe.note(`disconnected: ${reason}`));
  await room.connect();
  return room;
}

export async function publish(where, size) {
  const media = await probe.capture(size);
  const room = await join(where);
  const [audio] = media.getAudioTracks();
  const [track] = media.getVideoTracks();
  await room.addStream("self", { audio, video: { track, options: { enableSimulcast: true } } });
}

/** Watches whoever publishes; returns before the first picture. */
export async function watch(where) {
  const room = await join(where);
  const subscribe = (id, key) =>
    room
      .addSubscription(id, key, { audio: true, video: true })
      .catch((error) => probe.note(`subscribe: ${error}`));
  room.on("stream_published", subscribe);
  const show = () => {
    for (const stream of room.getState().streams.values()) {
      if (stream.origin === "remote") probe.show([stream.audioTrack, stream.videoTrack].filter(Boolean));
    }
  };
  room.on("state_changed", show);
  for (const stream of room.getState().streams.values()) {
    if (stream.origin === "remote") await subscribe(stream.participantId, stream.key);
  }
  show();
}
