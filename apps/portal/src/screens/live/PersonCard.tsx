import { useState } from "react";
import type { LiveParticipant, LiveSession } from "../../api/liveSession";
import { Id } from "../../ui/Copy";
import { Fault } from "../../ui/Fault";
import { type Column, Table } from "../../ui/Table";
import { Time } from "../../ui/Time";
import { actions, useAct } from "./actions";
import { called, pathOf, percent, rate, type SentLine, sentBy, type TakenLine, takenBy } from "./people";
import { RemoveDialog } from "./RemoveDialog";

const kinds = { audio: "Sound", video: "Picture" };

const what = ({ key, kind, layer }: { key: string; kind: "audio" | "video"; layer: string }) => (
  <>
    {key} · {kinds[kind]}
    {layer && ` ${layer}`}
  </>
);

const sent: Column<SentLine>[] = [
  { name: "Sends", cell: what },
  { name: "Size", cell: ({ size }) => size, figures: true },
  { name: "Bitrate", cell: ({ bitrate }) => rate(bitrate), figures: true },
  { name: "Lost", cell: ({ loss }) => percent(loss), figures: true },
  { name: "State", cell: ({ state }) => state },
  { name: "Taken by", cell: ({ takers }) => takers, figures: true },
  { name: "Recorded", cell: ({ recorded }) => (recorded ? "Yes" : "No"), wideOnly: true },
];

const taken: Column<TakenLine>[] = [
  {
    name: "Takes",
    cell: (line) => (
      <>
        {line.from}: {what(line)}
      </>
    ),
  },
  { name: "Size", cell: ({ size }) => size, figures: true },
  { name: "Bitrate", cell: ({ bitrate }) => rate(bitrate), figures: true },
  { name: "Lost", cell: ({ loss }) => percent(loss), figures: true },
  { name: "State", cell: ({ state }) => state },
];

/** One who is in a session: what they send and take, and what a moderator can do. */
export function PersonCard({
  person,
  live,
  chosen,
  onChoose,
}: {
  person: LiveParticipant;
  live: LiveSession;
  chosen: boolean;
  /** Absent for those who may not moderate. */
  onChoose?: (on: boolean) => void;
}) {
  const name = called(person);
  return (
    <li className="card person" data-participant={person.id}>
      <header>
        {onChoose ? (
          <label className="switch">
            <input
              type="checkbox"
              checked={chosen}
              aria-label={`Tick ${name}`}
              onChange={(event) => onChoose(event.target.checked)}
            />
            <strong>{name}</strong>
          </label>
        ) : (
          <strong>{name}</strong>
        )}
        <Badges person={person} />
        {onChoose && <Actions person={person} live={live} />}
      </header>
      <p className="muted small about">
        <Id id={person.id} />
        <span>
          joined <Time at={person.joined_at} />
        </span>
        <span>{pathOf(person)}</span>
        {person.client?.name && (
          <span title={person.client.user_agent}>
            {person.client.name} {person.client.version}
          </span>
        )}
      </p>
      {!person.watcher && (
        <Table
          label={`What ${name} sends`}
          columns={sent}
          rows={sentBy(person, live)}
          id={({ id }) => id}
          empty={<p>Sends nothing.</p>}
        />
      )}
      <Taken person={person} live={live} name={name} />
    </li>
  );
}

/** Drawn only where somebody opened it: in a session of many it is long. */
function Taken({ person, live, name }: { person: LiveParticipant; live: LiveSession; name: string }) {
  const [open, setOpen] = useState(false);
  const streams = person.subscriptions.length;
  if (streams === 0) return <p className="muted small">Takes no stream by itself.</p>;
  return (
    <details className="taken" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Takes {streams} {streams === 1 ? "stream" : "streams"}
      </summary>
      {open && (
        <Table
          label={`What ${name} takes`}
          columns={taken}
          rows={takenBy(person, live)}
          id={({ id }) => id}
          empty={<p>Nothing at this moment.</p>}
        />
      )}
    </details>
  );
}

function Badges({ person }: { person: LiveParticipant }) {
  return (
    <span className="badges">
      {person.watcher && <span className="badge">Watching</span>}
      {person.muted && <span className="badge warn">Muted by a moderator</span>}
      {person.recorded && !person.watcher && <span className="badge rec">Recorded</span>}
      {person.connection_lost && <span className="badge warn">Connection lost</span>}
    </span>
  );
}

function Actions({ person, live }: { person: LiveParticipant; live: LiveSession }) {
  const [removing, setRemoving] = useState(false);
  const act = useAct(live.session_id);
  const name = called(person);
  const body = { participants: [person.id] };
  const action = person.muted ? "unmute" : "mute";
  return (
    <>
      <span className="actions">
        {!person.watcher && (
          <button
            type="button"
            className="button"
            aria-label={`${actions[action].name} ${name}`}
            disabled={act.isPending}
            onClick={() => act.mutate({ action, body })}
          >
            {act.isPending ? actions[act.variables.action].going : actions[action].name}
          </button>
        )}
        <button
          type="button"
          className="button"
          aria-label={`Remove ${name}`}
          onClick={() => setRemoving(true)}
        >
          Remove
        </button>
      </span>
      <Fault error={act.error} />
      {removing && (
        <RemoveDialog live={live} people={[person]} body={body} onClose={() => setRemoving(false)} />
      )}
    </>
  );
}
