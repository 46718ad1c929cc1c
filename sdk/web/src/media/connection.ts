import type { Encryption } from "../e2ee/encryption.js";
import { RoomError } from "../errors.js";
import type { Logger } from "../log.js";
import { type OpusWishes, receivingStereo, tellingWishes } from "./audio-sdp.js";

/** Where the connection tells what became of it. */
export interface ConnectionListener {
  /** No media flows at present; that may pass. */
  disconnected(): void;
  /** The connection failed: ICE should be restarted. */
  failed(): void;
  /** Media flows, for the first time or again. */
  connected(): void;
  /** Client and server no longer agree about the lines: the connection cannot be used any more. */
  broken(error: RoomError): void;
}

/**
 * The one `RTCPeerConnection` of a room. Offers are made one at a time, in the order asked for; candidates are not
 * trickled, because the server finds them by the checks that arrive.
 */
export class MediaConnection {
  readonly #pc: RTCPeerConnection;
  readonly #listener: ConnectionListener;
  readonly #log: Logger;
  readonly #wishes = new Map<RTCRtpTransceiver, OpusWishes>();
  readonly #configuration: RTCConfiguration;
  readonly #encryption: Encryption | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #transportId: string | undefined;

  constructor(
    configuration: RTCConfiguration,
    listener: ConnectionListener,
    log: Logger,
    encryption?: Encryption,
  ) {
    this.#encryption = encryption;
    this.#listener = listener;
    this.#log = log;
    this.#configuration = { bundlePolicy: "max-bundle", ...configuration };
    this.#pc = new RTCPeerConnection(this.#configuration);
    this.#pc.onconnectionstatechange = () => this.#changed();
  }

  addTransceiver(
    source: MediaStreamTrack | "audio" | "video",
    init: RTCRtpTransceiverInit,
  ): RTCRtpTransceiver {
    const transceiver = this.#pc.addTransceiver(source, init);
    this.#encryption?.protect(
      transceiver,
      typeof source === "string" ? source : (source.kind as "audio" | "video"),
    );
    return transceiver;
  }

  /** What the lines carry is encrypted end to end. */
  get isEncrypted(): boolean {
    return this.#encryption !== undefined;
  }

  /** Says how a line that sends sound is to send it, before it is offered. */
  wish(transceiver: RTCRtpTransceiver, wishes: OpusWishes): void {
    this.#wishes.set(transceiver, wishes);
  }

  transceiver(mid: string): RTCRtpTransceiver | undefined {
    return this.#pc.getTransceivers().find((transceiver) => transceiver.mid === mid);
  }

  /**
   * Offers what `prepare` adds, with everything else that waits to be offered. `exchange` brings the offer to the server and
   * returns its answer. If that fails, the offer is rolled back and the error is thrown; the transceivers that `prepare` added
   * stay and go out with the next offer. (Stopping them instead makes Chromium mix up the lines of that one.) `prepare` may
   * return false: nothing is to be offered any more.
   */
  negotiate(prepare: () => boolean, exchange: (sdp: string) => Promise<string>): Promise<void> {
    const turn = this.#tail.then(() => this.#negotiate(prepare, exchange));
    this.#tail = turn.catch(() => {});
    return turn;
  }

  /** A channel for data; it opens after the next offer. */
  createDataChannel(label: string, init: RTCDataChannelInit): RTCDataChannel {
    return this.#pc.createDataChannel(label, init);
  }

  /** Takes other ICE servers, or fresh credentials, for the next ICE restart. A relay in use goes on. */
  useServers(iceServers: RTCIceServer[]): void {
    if (this.#pc.signalingState !== "closed")
      this.#pc.setConfiguration?.({ ...this.#configuration, iceServers });
  }

  /** Makes the next offer restart ICE, with these servers if they are given. */
  restartIce(iceServers?: RTCIceServer[]): void {
    if (iceServers) this.useServers(iceServers);
    this.#pc.restartIce();
  }

  /** The mids of the lines, by their senders and receivers. */
  mids(): Map<RTCRtpSender | RTCRtpReceiver | undefined, string> {
    const mids = new Map<RTCRtpSender | RTCRtpReceiver | undefined, string>();
    for (const { mid, sender, receiver } of this.#pc.getTransceivers()) {
      if (mid !== null) mids.set(sender, mid).set(receiver, mid);
    }
    return mids;
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#pc.getStats();
  }

  /** How many bytes came, ICE checks left out; undefined before the connection is there. */
  async received(): Promise<number | undefined> {
    if (this.#pc.connectionState !== "connected") return undefined;
    const report = await this.#pc.getStats();
    const known = this.#transportId === undefined ? undefined : report.get(this.#transportId);
    if (known) return known.bytesReceived;
    for (const stats of report.values()) {
      if (stats.type !== "transport" || typeof stats.bytesReceived !== "number") continue;
      this.#transportId = stats.id;
      return stats.bytesReceived;
    }
    return undefined;
  }

  close(): void {
    this.#pc.onconnectionstatechange = null;
    this.#pc.close();
  }

  async #negotiate(prepare: () => boolean, exchange: (sdp: string) => Promise<string>): Promise<void> {
    if (this.#pc.signalingState === "closed") {
      throw new RoomError("invalid_state", "the media connection is closed");
    }
    let answer: string;
    try {
      if (!prepare()) return;
      const sdp = await this.#offer();
      answer = await exchange(sdp);
    } catch (error) {
      await this.#rollBack();
      // Whether a request that got no answer took effect is unknown, and so is what the server's lines are.
      if (error instanceof RoomError && error.code === "timed_out") this.#listener.broken(error);
      if (error instanceof RoomError) throw error;
      throw new RoomError("media_failed", "the browser could not open a line", { cause: error });
    }
    await this.#accept(answer);
  }

  async #offer(): Promise<string> {
    try {
      const offer = await this.#pc.createOffer();
      const sdp = receivingStereo(offer.sdp as string);
      await this.#pc.setLocalDescription({ type: "offer", sdp });
      return tellingWishes(
        sdp,
        new Map([...this.#wishes].map(([{ mid }, wishes]) => [mid as string, wishes])),
      );
    } catch (error) {
      throw new RoomError("media_failed", "the browser could not make an offer", { cause: error });
    }
  }

  async #accept(sdp: string): Promise<void> {
    try {
      await this.#pc.setRemoteDescription({ type: "answer", sdp });
    } catch (cause) {
      const error = new RoomError("media_failed", "the browser did not take the server's answer", { cause });
      this.#listener.broken(error);
      throw error;
    }
  }

  async #rollBack(): Promise<void> {
    try {
      if (this.#pc.signalingState === "have-local-offer") {
        await this.#pc.setLocalDescription({ type: "rollback" });
      }
    } catch (error) {
      this.#log.warn("an offer could not be rolled back", error);
    }
  }

  #changed(): void {
    const state = this.#pc.connectionState;
    this.#log.debug(`media connection ${state}`);
    if (state === "disconnected") this.#listener.disconnected();
    if (state === "failed") this.#listener.failed();
    if (state === "connected") this.#listener.connected();
  }
}
