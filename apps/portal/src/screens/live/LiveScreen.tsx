import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { type Call, sendOne } from "../../api/client";
import { type LiveSession, liveCall, useLiveSession } from "../../api/liveSession";
import { useMay } from "../../api/session";
import type { Room } from "../../api/types";
import { Id } from "../../ui/Copy";
import { Curl } from "../../ui/Curl";
import { Fault } from "../../ui/Fault";
import { Time } from "../../ui/Time";
import { EndDialog } from "./EndDialog";
import { Moderation } from "./Moderation";
import { PersonCard } from "./PersonCard";
import { countOf } from "./people";
import { WatchDialog } from "./WatchDialog";

/** The SDK comes only to those who watch. */
const WatchPanel = lazy(() => import("./WatchPanel"));

/** What goes on in a room now: who is in, what each sends and takes, and what a moderator can do about it. */
export function LiveScreen() {
  const { roomId } = useParams({ from: "/inside/rooms/$roomId/live" });
  const call: Call = { method: "GET", path: `/rooms/${roomId}` };
  const room = useQuery({
    queryKey: ["room", roomId],
    queryFn: ({ signal }) => sendOne<Room>(call, signal),
    refetchInterval: 3_000,
  });
  // A session that has ended stays in view until the next one begins.
  const [session, setSession] = useState<string>();
  const active = room.data?.active_session_id;
  useEffect(() => {
    if (active) setSession(active);
  }, [active]);
  const name = room.data?.unique_name ?? "Room without a name";
  return (
    <div className="screen">
      <p className="trail">
        <Link to="/rooms">Rooms</Link>
        {" / "}
        <Link to="/rooms/$roomId" params={{ roomId }}>
          {room.data ? name : "Room"}
        </Link>
      </p>
      <Fault error={room.error} />
      {session ? (
        <Session key={session} id={session} />
      ) : (
        room.data && (
          <>
            <header className="heading">
              <h1>Live session</h1>
            </header>
            <div className="empty">
              <p>
                Nobody is in this room.{" "}
                <Link to="/rooms/$roomId" params={{ roomId }}>
                  Its page
                </Link>{" "}
                makes a link to come in by; whoever joins appears here by itself.
              </p>
            </div>
            <Curl call={call} />
          </>
        )
      )}
    </div>
  );
}

function Session({ id }: { id: string }) {
  const { live, error, fresh } = useLiveSession(id);
  const may = useMay();
  const [open, setOpen] = useState<"end" | "watch">();
  const [watching, setWatching] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const close = () => setOpen(undefined);
  const choose = (person: string, on: boolean) =>
    setChosen((before) => {
      const after = new Set(before);
      if (on) after.add(person);
      else after.delete(person);
      return after;
    });
  if (!live) return <Fault error={error} />;
  const { active, participants: people } = live;
  return (
    <>
      <header className="heading">
        <h1>Live session</h1>
        <div className="actions">
          <p className="muted state" role="status" data-fresh={fresh}>
            {active ? (fresh ? "Live" : "Connecting…") : "Ended"}
          </p>
          {active && may("media") && !watching && (
            <button type="button" className="button" disabled={live.e2ee} onClick={() => setOpen("watch")}>
              {live.e2ee ? "Encrypted: cannot be watched" : "Watch"}
            </button>
          )}
          {active && may("moderate") && (
            <button type="button" className="button danger" onClick={() => setOpen("end")}>
              End session
            </button>
          )}
        </div>
      </header>
      <Facts live={live} />
      {!active && (
        <p className="empty">
          This session has ended. When somebody joins the room again, the next one appears here by itself.
        </p>
      )}
      {watching && active && (
        <Suspense fallback={<p className="muted">Joining as a watcher…</p>}>
          <WatchPanel session={live} onEnd={() => setWatching(false)} />
        </Suspense>
      )}
      {active && may("moderate") && <Moderation live={live} chosen={chosen} onChoose={setChosen} />}
      {active && (
        <section className="stack" aria-labelledby="people">
          <h2 id="people">People in it</h2>
          {people.length === 0 && <p className="empty">Nobody at this moment.</p>}
          <ul className="persons">
            {people.map((person) => (
              <PersonCard
                key={person.id}
                person={person}
                live={live}
                chosen={chosen.has(person.id)}
                {...(may("moderate") && { onChoose: (on: boolean) => choose(person.id, on) })}
              />
            ))}
          </ul>
        </section>
      )}
      <Curl call={liveCall(id)} />
      {open === "end" && <EndDialog live={live} onClose={close} />}
      {open === "watch" && (
        <WatchDialog
          session={id}
          onClose={close}
          onWatch={() => {
            setWatching(true);
            close();
          }}
        />
      )}
    </>
  );
}

function Facts({ live }: { live: LiveSession }) {
  const streams = live.participants.reduce((sum, person) => sum + person.streams.length, 0);
  const watchers = live.participants.filter(({ watcher }) => watcher).length;
  return (
    <dl className="facts card">
      <Fact name="Session">
        <Id id={live.session_id} />
      </Fact>
      <Fact name="Began">
        <Time at={live.created_at} />
      </Fact>
      {live.active ? (
        <>
          <Fact name="People">
            {countOf(live.participants.length)}
            {watchers > 0 && `, ${watchers} watching`}
          </Fact>
          <Fact name="Streams">{streams}</Fact>
          <Fact name="Recording">
            {live.recording ? <span className="badge rec">Recording</span> : "Off"}
          </Fact>
          <Fact name="Encryption">{live.e2ee ? "End to end" : "To the server"}</Fact>
        </>
      ) : (
        <>
          <Fact name="Ended">
            <Time at={live.ended_at} />
          </Fact>
          <Fact name="Why">{live.ended_reason ?? "–"}</Fact>
        </>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
