import { useMemo, useState } from "react";
import { momentOf, type SessionEvent } from "../../api/history";
import { useMoments } from "../../shell/zone";
import { type Column, Table } from "../../ui/Table";
import type { View } from "./view";
import { inWords, topics } from "./words";

/** How many events are shown at once. */
const atOnce = 100;

interface Props {
  events: SessionEvent[];
  view: View;
  nameOf: (id: string) => string;
  onMoment: (at: number) => void;
}

/** The events in sight, in words. */
export function EventList({ events, view, nameOf, onMoment }: Props) {
  const { clock, exact } = useMoments();
  const [topic, setTopic] = useState("");
  const [shown, setShown] = useState(atOnce);
  const inSight = useMemo(() => {
    const has = topics.find((each) => each.topic === topic)?.has ?? (() => true);
    return events.filter((event) => {
      const at = momentOf(event);
      return at >= view.from && at <= view.to && has(event.type);
    });
  }, [events, view, topic]);
  const columns: Column<SessionEvent>[] = [
    {
      name: "Time",
      cell: (event) => (
        <button
          type="button"
          className="link moment"
          title={`Show the state at ${exact(momentOf(event))}`}
          onClick={() => onMoment(momentOf(event))}
        >
          <time dateTime={event.occurred_at}>{clock(momentOf(event))}</time>
        </button>
      ),
    },
    { name: "Who", cell: ({ participant_id: id }) => (id ? nameOf(id) : "–") },
    { name: "What", cell: (event) => inWords(event, nameOf) },
  ];
  return (
    <section className="stack" aria-labelledby="events">
      <div className="heading">
        <h2 id="events">Events in sight</h2>
        <div className="filters">
          <select
            className="select"
            aria-label="Which events"
            value={topic}
            onChange={(event) => setTopic(event.target.value)}
          >
            {topics.map(({ topic: value, name }) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
          <p className="muted small" role="status">
            {inSight.length === 1 ? "1 event" : `${inSight.length.toLocaleString("en")} events`}
          </p>
        </div>
      </div>
      <Table
        label="Events, oldest first"
        columns={columns}
        rows={inSight.slice(0, shown)}
        id={({ cursor }) => cursor}
        empty="Nothing of this kind happened in the time that is in sight. Zoom out, or choose other events."
      />
      {inSight.length > shown && (
        <button type="button" className="button" onClick={() => setShown(shown + 5 * atOnce)}>
          Show more
        </button>
      )}
    </section>
  );
}
