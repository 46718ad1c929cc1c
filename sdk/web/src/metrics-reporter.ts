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

/** Gives the statistics of a kind of a stream, if it is sent or received. */
export type StatsSource = (stream: Stream, kind: TrackKind) => Promise<RTCStatsReport | undefined>;

/** Reports the connection quality of chosen participants. */
export class MetricsReporter {
  readonly #session: Session;
  readonly #stats: StatsSource;
  readonly #samples = new Map<string, Sample>();
  readonly #roundTrips: number[] = [];
  #participantIds: string[] = [];
  #includeStreams = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(session: Session, stats: StatsSource) {
    this.#session = session;
    this.#stats = stats;
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
    const measured = this.#participants().map(
      async (participant) => [participant.id, await this.#measureParticipant(participant)] as const,
    );
    const metrics = Object.fromEntries(await Promise.all(measured));
    for (const id of this.#samples.keys()) {
      if (!this.#session.state.streams.has(id.slice(0, id.lastIndexOf("/")))) this.#samples.delete(id);
    }
    return metrics;
  }

  /** The level of a participant is that of its worst stream; this client's is that of its connection to the server. */
  async #measureParticipant(participant: Participant): Promise<ParticipantMetrics> {
    const streams: NonNullable<ParticipantMetrics["streams"]> = {};
    let connectionQuality: ConnectionQuality = 5;
    for (const streamId of Object.values(participant.streams)) {
      const stream = this.#session.state.streams.get(streamId);
      if (!stream?.isConfigured) continue;
      const [audio, video] = await Promise.all([
        this.#measureTrack(stream, "audio"),
        this.#measureTrack(stream, "video"),
      ]);
      streams[stream.key] = { ...(audio && { audio }), ...(video && { video }) };
      const level =
        (stream.isVideoEnabled && video?.quality) || (stream.isAudioEnabled && audio?.quality) || 5;
      connectionQuality = Math.min(connectionQuality, level) as ConnectionQuality;
    }
    if (participant.origin === "local") connectionQuality = byRoundTrips(this.#roundTrips);
    return { connectionQuality, ...(this.#includeStreams && { streams }) };
  }

  async #measureTrack(stream: Stream, kind: TrackKind): Promise<TrackQuality | undefined> {
    const report = await this.#stats(stream, kind).catch(() => undefined);
    if (!report) return undefined;
    const id = `${stream.id}/${kind}`;
    const sample = sampleOf(report.values() as Iterable<RTCStats & Record<string, unknown>>);
    const before = this.#samples.get(id) ?? sample;
    this.#samples.set(id, sample);
    const direction = stream.origin === "local" ? "sending" : "receiving";
    return { direction, quality: qualityBetween(kind, before, sample) };
  }
}
