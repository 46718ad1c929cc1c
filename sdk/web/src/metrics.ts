/** From 5, excellent, over 4 good, 3 average, 2 below average and 1 bad, to 0, broken. */
export type ConnectionQuality = 0 | 1 | 2 | 3 | 4 | 5;

/** The quality of one kind of one stream, as this client sends or receives it. */
export interface TrackQuality {
  direction: "sending" | "receiving";
  quality: ConnectionQuality;
}

/** What `network_metrics_report` says about one participant. */
export interface ParticipantMetrics {
  connectionQuality: ConnectionQuality;
  /** Key to kind to quality. Present with `includeStreams: true`. */
  streams?: Record<string, { audio?: TrackQuality; video?: TrackQuality }>;
}

/** Participant id to metrics. */
export type NetworkMetrics = Record<string, ParticipantMetrics>;
