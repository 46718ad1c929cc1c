import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Call, query, sendOne } from "../../api/client";
import type { SessionState, TrackState } from "../../api/history";
import { useMoments } from "../../shell/zone";
import { Curl } from "../../ui/Curl";
import { Fault } from "../../ui/Fault";

/** How long a moment has to be stayed at before the server is asked for its state, in milliseconds. */
const patience = 120;

interface Props {
  sessionId: string;
  /** null: the latest moment. */
  cursor: number | null;
  /** Of the last event that is known: the latest state changes with it. */
  latest: string;
  nameOf: (id: string) => string;
}

/** Who was in the session at a moment, and what of theirs was on: the server rebuilds it from the record. */
export function StatePanel({ sessionId, cursor, latest, nameOf }: Props) {
  const { exact } = useMoments();
  const at = useSettled(cursor);
  const call: Call = {
    method: "GET",
    path: `/room_sessions/${sessionId}/state${query({ at: at === null ? undefined : new Date(at).toISOString() })}`,
  };
  const state = useQuery({
    queryKey: ["session-state", sessionId, at ?? latest],
    queryFn: ({ signal }) => sendOne<SessionState>(call, signal),
    placeholderData: keepPreviousData,
    staleTime: at === null ? 0 : 60_000,
    enabled: latest !== "",
  });
  const people = state.data?.participants ?? [];
  return (
    <section className="card state" aria-labelledby="state" aria-busy={state.isFetching}>
      <h2 id="state">{cursor === null ? "State at the latest moment" : `State at ${exact(cursor)}`}</h2>
      <Fault error={state.error} />
      {state.data && (
        <p className="muted small" role="status">
          {!state.data.active
            ? "The session was not going on."
            : `${people.length} ${people.length === 1 ? "person" : "people"} in the session.`}
        </p>
      )}
      <ul className="state-people">
        {people.map((person) => (
          <li key={person.participant_id}>
            <strong>{nameOf(person.participant_id)}</strong>
            <span className="signs">
              {!person.connected && <span className="badge warn">not heard of</span>}
              {person.media !== "connected" && (
                <span className={`badge ${person.media === "lost" ? "warn" : "off"}`}>
                  {person.media === "lost" ? "media lost" : "no media yet"}
                </span>
              )}
              {person.muted && <span className="badge warn">muted</span>}
            </span>
            <ul>
              {person.streams.map(({ stream_id: id, key, audio, video }) => (
                <li key={id}>
                  <span className="muted">{key}</span> {inWords("sound", audio)}, {inWords("picture", video)}
                </li>
              ))}
            </ul>
            <span className="muted small">
              {person.subscription_count === 0
                ? "takes no stream"
                : `takes ${person.subscription_count} ${person.subscription_count === 1 ? "stream" : "streams"}`}
            </span>
          </li>
        ))}
      </ul>
      <Curl call={call} />
    </section>
  );
}

function inWords(what: string, { enabled, censored, recorded }: TrackState): string {
  const is = censored ? "silenced" : enabled ? "on" : "off";
  return `${what} ${is}${recorded ? ", recorded" : ""}`;
}

/** A value once it has not changed for a while. */
function useSettled(value: number | null): number | null {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), patience);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
