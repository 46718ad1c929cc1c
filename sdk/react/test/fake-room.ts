import type { Events, Participant, Room, State, Stream, SubscriptionConfig } from "@rotunda/video";
import { act } from "@testing-library/react";

export const self: Participant = { id: "me", origin: "local", streams: {}, canReceiveMessages: true };

/** The other end of the hooks: a room whose state and events a test makes. */
export class FakeRoom {
  readonly id = "room";
  /** What it was asked for, in order. */
  readonly asked: unknown[][] = [];
  readonly #listeners = new Map<string, Set<(...args: unknown[]) => void>>();
  /** Decides what becomes of a subscription. */
  subscribing: () => Promise<void> = async () => {};
  state: State = {
    status: "connected",
    localParticipantId: self.id,
    participants: new Map([[self.id, self]]),
    streams: new Map(),
    subscriptions: new Map(),
    recording: false,
    audioBlocked: false,
    dominantSpeakerId: null,
  } as State;

  get room(): Room {
    return this as unknown as Room;
  }

  getState = () => this.state;

  on(event: string, callback: (...args: unknown[]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(callback));
    return () => void listeners.delete(callback);
  }

  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }

  async set(part: Partial<State>): Promise<void> {
    await act(async () => {
      this.state = { ...this.state, ...part };
      this.#emit("state_changed", this.state);
    });
  }

  async tell<E extends keyof Events>(event: E, ...args: unknown[]): Promise<void> {
    await act(async () => this.#emit(event, ...args, this.state));
  }

  /** Somebody comes, with a stream. */
  async join(id: string, stream?: Partial<Stream>): Promise<void> {
    const streamId = `${id}-stream`;
    const streams = stream ? { [stream.key ?? "self"]: streamId } : {};
    const participant: Participant = { id, origin: "remote", streams, canReceiveMessages: true };
    await this.set({ participants: new Map(this.state.participants).set(id, participant) });
    if (stream) await this.publish(streamId, id, stream);
  }

  async publish(id: string, participantId: string, fields: Partial<Stream>): Promise<void> {
    const stream: Stream = {
      id,
      participantId,
      key: "self",
      origin: "remote",
      isAudioEnabled: true,
      isVideoEnabled: true,
      isAudioCensored: false,
      isVideoCensored: false,
      isConfigured: true,
      ...fields,
    };
    await this.set({ streams: new Map(this.state.streams).set(id, stream) });
  }

  attachVideo(participantId: string, key: string, element: HTMLVideoElement): () => void {
    this.asked.push(["attach", participantId, key]);
    const fill = () => {
      const stream = [...this.state.streams.values()].find(
        (one) => one.participantId === participantId && one.key === key,
      );
      element.srcObject = stream?.videoTrack ? new MediaStream([stream.videoTrack]) : null;
    };
    fill();
    const unwatch = this.on("state_changed", fill);
    return () => {
      unwatch();
      element.srcObject = null;
    };
  }

  async addSubscription(participantId: string, key: string, config: SubscriptionConfig): Promise<void> {
    this.asked.push(["add", participantId, key, config]);
    await this.subscribing();
  }

  async removeSubscription(participantId: string, key: string): Promise<void> {
    this.asked.push(["remove", participantId, key]);
  }

  async sendMessage(...args: unknown[]): Promise<string[]> {
    this.asked.push(["send", ...args]);
    return [];
  }

  setAudioPlayback(on: boolean): void {
    this.asked.push(["play", on]);
  }

  async startAudio(): Promise<void> {
    this.asked.push(["start"]);
    throw new Error("still held back");
  }

  async connect(): Promise<void> {
    this.asked.push(["connect"]);
  }

  async disconnect(): Promise<void> {
    this.asked.push(["disconnect"]);
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const callback of [...(this.#listeners.get(event) ?? [])]) callback(...args);
  }
}
