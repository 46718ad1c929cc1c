import type { SessionEvent } from "../../api/history";

// What is drawn of a session, made of its events. Times are milliseconds.

/** From when to when; until Infinity while it goes on. */
export interface Span {
  from: number;
  to: number;
}

export interface StreamLane {
  id: string;
  key: string;
  span: Span;
  /** While its owner had all of it switched off. */
  off: Span[];
  /** While a moderator silenced it. */
  silenced: Span[];
  recorded: Span[];
}

export interface Lane {
  id: string;
  stay: Span;
  streams: StreamLane[];
  muted: Span[];
  /** While signalling or media was lost. */
  lost: Span[];
  /** While somebody's picture was held back because the way carried too little. */
  paused: Span[];
  /** When another layer was sent to them. */
  layers: number[];
}

export interface Story {
  began: number;
  /** null while the session goes on. */
  ended: number | null;
  /** Of the last event. */
  latest: number;
  lanes: Lane[];
  refusals: number[];
}

const openEnd = Number.POSITIVE_INFINITY;

/** What is switched on at present of those things that are drawn, each by what it is of. */
class Telling {
  readonly story: Story = { began: 0, ended: null, latest: 0, lanes: [], refusals: [] };
  private readonly lanes = new Map<string, Lane>();
  private readonly streams = new Map<string, StreamLane>();
  private readonly audioOff = new Set<string>();
  private readonly videoOff = new Set<string>();
  private readonly reasons = new Map<Span[], Set<string>>();

  apply(event: SessionEvent): void {
    const at = Date.parse(event.occurred_at);
    this.story.latest = at;
    if (this.story.began === 0) this.story.began = at;
    const lane = this.lanes.get(event.participant_id ?? "");
    const stream = this.streams.get(event.stream_id ?? "");
    switch (event.type) {
      case "session_ended":
        this.story.ended = at;
        for (const each of this.lanes.values()) this.close(each, at);
        break;
      case "participant_joined":
        this.join(event.participant_id ?? "", at);
        break;
      case "join_refused":
        this.story.refusals.push(at);
        break;
      default:
        if (lane) this.happen(event, at, lane, stream);
    }
  }

  private join(id: string, at: number): void {
    const lane: Lane = {
      id,
      stay: { from: at, to: openEnd },
      streams: [],
      muted: [],
      lost: [],
      paused: [],
      layers: [],
    };
    this.lanes.set(id, lane);
    this.story.lanes.push(lane);
  }

  private happen(event: SessionEvent, at: number, lane: Lane, stream: StreamLane | undefined): void {
    switch (event.type) {
      case "participant_left":
        this.close(lane, at);
        break;
      case "participant_muted":
      case "participant_unmuted":
        this.mark(lane.muted, "", at, event.type === "participant_muted");
        break;
      case "connection_lost":
      case "connection_resumed":
        this.mark(lane.lost, "signalling", at, event.type === "connection_lost");
        break;
      case "media_lost":
      case "media_connected":
        this.mark(lane.lost, "media", at, event.type === "media_lost");
        break;
      case "layer_changed":
        lane.layers.push(at);
        break;
      case "video_paused":
      case "video_resumed":
        this.mark(lane.paused, event.stream_id ?? "", at, event.type === "video_paused");
        break;
      case "subscription_ended":
        this.mark(lane.paused, event.stream_id ?? "", at, false);
        break;
      case "stream_published":
        this.publish(event, at, lane);
        break;
      default:
        if (stream) this.change(event, at, stream);
    }
  }

  private publish(event: SessionEvent, at: number, lane: Lane): void {
    const stream: StreamLane = {
      id: event.stream_id ?? "",
      key: event.key ?? "",
      span: { from: at, to: openEnd },
      off: [],
      silenced: [],
      recorded: [],
    };
    this.streams.set(stream.id, stream);
    lane.streams.push(stream);
    if (event.audio === false) this.audioOff.add(stream.id);
    if (event.video === false) this.videoOff.add(stream.id);
    this.markOff(stream, at);
  }

  private change(event: SessionEvent, at: number, stream: StreamLane): void {
    const off = event.kind === "video" ? this.videoOff : this.audioOff;
    switch (event.type) {
      case "stream_unpublished":
        this.closeStream(stream, at);
        break;
      case "track_enabled":
        off.delete(stream.id);
        this.markOff(stream, at);
        break;
      case "track_disabled":
        off.add(stream.id);
        this.markOff(stream, at);
        break;
      case "track_censored":
      case "track_uncensored":
        this.mark(stream.silenced, event.kind ?? "", at, event.type === "track_censored");
        break;
      case "recording_started":
      case "recording_stopped":
        this.mark(stream.recorded, event.kind ?? "", at, event.type === "recording_started");
    }
  }

  private markOff(stream: StreamLane, at: number): void {
    this.mark(stream.off, "", at, this.audioOff.has(stream.id) && this.videoOff.has(stream.id));
  }

  /** Begins or ends a span, which goes on as long as there is any reason for it. */
  private mark(spans: Span[], reason: string, at: number, on: boolean): void {
    const reasons = this.reasons.get(spans) ?? new Set();
    this.reasons.set(spans, reasons);
    const before = reasons.size > 0;
    if (on) reasons.add(reason);
    else reasons.delete(reason);
    if (!before && reasons.size > 0) spans.push({ from: at, to: openEnd });
    const last = spans.at(-1);
    if (before && reasons.size === 0 && last) last.to = at;
  }

  private end(spans: Span[], at: number): void {
    this.reasons.get(spans)?.clear();
    const last = spans.at(-1);
    if (last?.to === openEnd) last.to = at;
  }

  private close(lane: Lane, at: number): void {
    if (lane.stay.to !== openEnd) return;
    lane.stay.to = at;
    for (const spans of [lane.muted, lane.lost, lane.paused]) this.end(spans, at);
    for (const stream of lane.streams) this.closeStream(stream, at);
  }

  private closeStream(stream: StreamLane, at: number): void {
    if (stream.span.to !== openEnd) return;
    stream.span.to = at;
    for (const spans of [stream.off, stream.silenced, stream.recorded]) this.end(spans, at);
  }
}

/** Tells the story of a session from its events, which come in their order from the first. */
export function tell(events: SessionEvent[]): Story {
  const telling = new Telling();
  for (const event of events) telling.apply(event);
  return telling.story;
}
