import { type Measurement, type Stats, statsOfTracks } from "./media/measurement.js";
import {
  byRoundTrips,
  type ConnectionQuality,
  type NetworkMetrics,
  type ParticipantMetrics,
  qualityBetween,
  ROUND_TRIPS,
  type Sample,
  sampleOf,
  type TrackQuality,
} from "./metrics.js";
import type { Session } from "./session.js";
import type { Participant, Stream, TrackKind } from "./state.js";

/** How often `network_metrics_report` is emitted, in milliseconds. */
export const REPORT_INTERVAL = 5_000;

/** Reports the connection quality of chosen participants. */
export class MetricsReporter {
  readonly #session: Session;
  readonly #media: () => Promise<Measurement | undefined>;
  readonly #samples = new Map<string, Sample>();
  readonly #roundTrips: number[] = [];
  #participantIds: string[] = [];
  #includeStreams = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** `media` measures all there is at once. */
  constructor(session: Session, media: () => Promise<Measurement | undefined>) {
    this.#session = session;
    this.#media = media;
    session.watchRoundTrips((milliseconds) => this.#keep(milliseconds));
    session.onEnd(() => clearInterval(this.#timer));
  }

  enable(participantIds: string[], includeStreams: boolean): void {
    this.#participantIds = [...participantIds];
    this.#includeStreams = includeStreams;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#report(), REPORT_INTERVAL);
    this.#session.tell("network_metrics_report", this.#first());
    // So that the next report has something to compare with.
    void this.#measure();
  }

  disable(participantIds: string[]): void {
    const kept = this.#participantIds.filter((id) => !participantIds.includes(id));
    this.#participantIds = participantIds.length === 0 ? [] : kept;
    if (this.#participantIds.length > 0) return;
    clearInterval(this.#timer);
    this.#samples.clear();
  }

  #keep(milliseconds: number): void {
    if (globalThis.document?.hidden) return;
    this.#roundTrips.push(milliseconds);
    if (this.#roundTrips.length > ROUND_TRIPS) this.#roundTrips.shift();
  }

  #participants(): Participant[] {
    const { participants } = this.#session.state;
    return this.#participantIds
      .map((id) => participants.get(id))
      .filter((participant): participant is Participant => participant !== undefined)
      .filter((participant) => participant.origin !== "telephony_engine");
  }

  #first(): NetworkMetrics {
    return Object.fromEntries(this.#participants().map(({ id }) => [id, { connectionQuality: 5 as const }]));
  }

  async #report(): Promise<void> {
    const metrics = await this.#measure();
    if (this.#participantIds.length > 0) this.#session.tell("network_metrics_report", metrics);
  }

  async #measure(): Promise<NetworkMetrics> {
    const measurement = await this.#media().catch(() => undefined);
    const tracks = measurement ? statsOfTracks(measurement) : new Map<string, Stats[]>();
    const metrics = Object.fromEntries(
      this.#participants().map((participant) => [participant.id, this.#metricsOf(participant, tracks)]),
    );
    for (const id of this.#samples.keys()) if (!tracks.has(id)) this.#samples.delete(id);
    return metrics;
  }

  /** The level of a participant is that of its worst stream; this client's is that of its connection to the server. */
  #metricsOf(participant: Participant, tracks: ReadonlyMap<string, Stats[]>): ParticipantMetrics {
    const streams: NonNullable<ParticipantMetrics["streams"]> = {};
    let connectionQuality: ConnectionQuality = 5;
    for (const streamId of Object.values(participant.streams)) {
      const stream = this.#session.state.streams.get(streamId);
      if (!stream?.isConfigured) continue;
      const audio = this.#qualityOf(stream, "audio", tracks);
      const video = this.#qualityOf(stream, "video", tracks);
      streams[stream.key] = { ...(audio && { audio }), ...(video && { video }) };
      const level =
        (stream.isVideoEnabled && video?.quality) || (stream.isAudioEnabled && audio?.quality) || 5;
      connectionQuality = Math.min(connectionQuality, level) as ConnectionQuality;
    }
    if (participant.origin === "local") connectionQuality = byRoundTrips(this.#roundTrips);
    return { connectionQuality, ...(this.#includeStreams && { streams }) };
  }

  #qualityOf(
    stream: Stream,
    kind: TrackKind,
    tracks: ReadonlyMap<string, Stats[]>,
  ): TrackQuality | undefined {
    const id = `${stream.id}/${kind}`;
    const stats = tracks.get(id);
    if (!stats) return undefined;
    const sample = sampleOf(stats);
    const before = this.#samples.get(id) ?? sample;
    this.#samples.set(id, sample);
    const direction = stream.origin === "local" ? "sending" : "receiving";
    return { direction, quality: qualityBetween(kind, before, sample) };
  }
}
