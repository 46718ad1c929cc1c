import { IconFocusCentered, IconZoomIn, IconZoomOut } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState } from "react";
import { type Call, query, sendOne } from "../../api/client";
import { everyPage, momentOf, nameOf as named, useEvents } from "../../api/history";
import type { Participant, Session } from "../../api/types";
import { chooseZone, useMoments, useZone, zones } from "../../shell/zone";
import { Curl } from "../../ui/Curl";
import { Fault } from "../../ui/Fault";
import { EventList } from "./EventList";
import { Lanes } from "./Lanes";
import { tell } from "./model";
import { StatePanel } from "./StatePanel";
import { type Deliveries, useDeliveries } from "./useDeliveries";
import { type View, within, zoom } from "./view";
import { lasting } from "./words";

/** How long the view has to rest before it is in the address, in milliseconds. */
const patience = 300;

/** A session from its beginning, whether it goes on or not: who was in, what they did, and what was true at any moment. */
export function TimelineScreen() {
  const { sessionId } = useParams({ from: "/inside/sessions/$sessionId/timeline" });
  const search = useSearch({ from: "/inside/sessions/$sessionId/timeline" });
  const call: Call = { method: "GET", path: `/room_sessions/${sessionId}` };
  const session = useQuery({
    queryKey: ["session-record", sessionId],
    queryFn: ({ signal }) => sendOne<Session>(call, signal),
  });
  const { events, state } = useEvents(sessionId);
  const story = useMemo(() => tell(events), [events]);
  const nameOf = useNames(sessionId, story.lanes.length);
  const deliveries = useDeliveries(sessionId, state === "over");
  const now = useNow(state !== "over");
  const moments = useMoments();

  const end = story.ended ?? Math.max(now, story.latest);
  const margin = Math.max((end - story.began) * 0.02, 250);
  const bounds: View = { from: story.began - margin, to: end + margin };
  const [chosen, setChosen] = useState<View | null>(() => parseView(search));
  const [cursor, setCursor] = useState<number | null>(() => parseMoment(search.at));
  const view = chosen ? within(chosen, bounds) : bounds;
  useAddress(sessionId, chosen, cursor);

  const onView = (next: View) => setChosen(next.to - next.from >= bounds.to - bounds.from ? null : next);
  const onStep = (direction: -1 | 1) => {
    const at = cursor ?? end;
    const times = events.map(momentOf);
    const next = direction > 0 ? times.find((time) => time > at) : times.findLast((time) => time < at);
    if (next !== undefined) setCursor(next);
  };
  const middle =
    cursor !== null && cursor > view.from && cursor < view.to ? cursor : (view.from + view.to) / 2;
  if (!session.data) {
    return (
      <div className="screen">
        <Fault error={session.error} />
      </div>
    );
  }
  return (
    <div className="screen wide">
      <p className="trail">
        <Link to="/rooms/$roomId" params={{ roomId: session.data.room_id }}>
          Room
        </Link>
      </p>
      <header className="heading">
        <h1>Session of {moments.exact(new Date(session.data.created_at))}</h1>
        <p className="muted" role="status">
          {words[state]}
          {events.length > 0 &&
            `, ${lasting(end - story.began)}, ${events.length.toLocaleString("en")} events`}
        </p>
      </header>
      {events.length === 0 ? (
        <p className="empty">
          {state === "connecting" || state === "live"
            ? "Loading what happened…"
            : "Nothing is kept of this session any more. How long the record lasts is the setting --history-retention."}
        </p>
      ) : (
        <>
          <div className="toolbar">
            <div className="turn">
              <Tool
                name="Zoom in"
                icon={IconZoomIn}
                onClick={() => onView(zoom(view, 0.5, middle, bounds))}
              />
              <Tool
                name="Zoom out"
                icon={IconZoomOut}
                onClick={() => onView(zoom(view, 2, middle, bounds))}
              />
              <Tool name="Show the whole session" icon={IconFocusCentered} onClick={() => setChosen(null)} />
            </div>
            {cursor !== null && (
              <button type="button" className="button" onClick={() => setCursor(null)}>
                To the latest moment
              </button>
            )}
            <ZoneChoice />
          </div>
          <div className="timeline">
            <Lanes
              story={story}
              deliveries={deliveries.items}
              view={view}
              bounds={bounds}
              cursor={cursor}
              now={end}
              nameOf={nameOf}
              onView={onView}
              onCursor={setCursor}
              onStep={onStep}
            />
            <StatePanel
              sessionId={sessionId}
              cursor={cursor}
              latest={events.at(-1)?.cursor ?? ""}
              nameOf={nameOf}
            />
          </div>
          <Legend deliveries={deliveries} />
          <EventList events={events} view={view} nameOf={nameOf} onMoment={setCursor} />
        </>
      )}
      <Curl call={{ method: "GET", path: `/room_sessions/${sessionId}/events` }} />
    </div>
  );
}

const words = { connecting: "Loading…", live: "Live", broken: "Connecting again…", over: "Over" };

function Tool({ name, icon: Icon, onClick }: { name: string; icon: typeof IconZoomIn; onClick: () => void }) {
  return (
    <button type="button" className="icon-button" aria-label={name} title={name} onClick={onClick}>
      <Icon size={20} stroke={1.6} aria-hidden />
    </button>
  );
}

/** In which zone the portal shows times. */
export function ZoneChoice() {
  const zone = useZone();
  return (
    <fieldset className="segments zones">
      <legend className="visually-hidden">Times</legend>
      {zones.map(({ zone: each, name }) => (
        <label key={each}>
          <input type="radio" name="times" checked={zone === each} onChange={() => chooseZone(each)} />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}

const signs: [sign: string, meaning: string][] = [
  ["stay", "in the session; cut where a moderator muted them"],
  ["lost", "connection lost"],
  ["stream", "stream; thin while all of it was off"],
  ["silenced", "silenced, or pictures held back"],
  ["recorded", "recorded"],
  ["layer", "another layer was sent to them"],
];

function Legend({ deliveries }: { deliveries: Deliveries }) {
  const failed = deliveries.items.filter(({ status }) => status === "failed").length;
  return (
    <div className="legend">
      <ul aria-label="What is drawn">
        {signs.map(([sign, meaning]) => (
          <li key={sign}>
            <span className="sign" data-sign={sign} aria-hidden />
            {meaning}
          </li>
        ))}
      </ul>
      <p className="muted small">
        {!deliveries.allowed
          ? "Webhooks are shown to members who may change things."
          : `${deliveries.total} webhooks${failed > 0 ? `, ${failed} of them failed (long and red)` : ""}${
              deliveries.total > deliveries.items.length
                ? `; the latest ${deliveries.items.length} are drawn`
                : ""
            }. A cross is a join that was refused.`}{" "}
        {deliveries.more && (
          <button type="button" className="link" onClick={deliveries.more}>
            Draw older ones
          </button>
        )}
      </p>
      <p className="muted small keys">
        Wheel or <kbd>+</kbd> <kbd>-</kbd> zoom, drag or <kbd>Shift</kbd> and arrows move, a click or the
        arrows choose the moment, <kbd>Page up</kbd> and <kbd>Page down</kbd> go from event to event.
      </p>
    </div>
  );
}

/** The names of those who were in a session; asked again when somebody new came. */
function useNames(sessionId: string, people: number): (id: string) => string {
  const participants = useQuery({
    queryKey: ["names", sessionId, people],
    queryFn: async ({ signal }) => {
      const call = (number: number): Call => ({
        method: "GET",
        path: `/room_sessions/${sessionId}/participants${query({ "page[size]": 250, "page[number]": number })}`,
      });
      const { items } = await everyPage<Participant>(call, 8, signal);
      return new Map(items.map((participant) => [participant.id, participant]));
    },
    enabled: people > 0,
    placeholderData: (before) => before,
  });
  const found = participants.data;
  return useCallback((id) => named(found?.get(id), id), [found]);
}

/** The present, each second; it stands still when nothing goes on. */
function useNow(running: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}

function parseMoment(text: string | undefined): number | null {
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

function parseView(search: { from?: string | undefined; to?: string | undefined }): View | null {
  const [from, to] = [parseMoment(search.from), parseMoment(search.to)];
  return from !== null && to !== null && from < to ? { from, to } : null;
}

/** Keeps in the address what is looked at, so that it can be sent to somebody. */
function useAddress(sessionId: string, view: View | null, cursor: number | null): void {
  const navigate = useNavigate();
  const iso = (at: number | undefined | null) =>
    at === undefined || at === null ? undefined : new Date(at).toISOString();
  const [from, to, at] = [iso(view?.from), iso(view?.to), iso(cursor)];
  useEffect(() => {
    const timer = setTimeout(() => {
      void navigate({
        to: "/sessions/$sessionId/timeline",
        params: { sessionId },
        search: { from, to, at },
        replace: true,
      });
    }, patience);
    return () => clearTimeout(timer);
  }, [navigate, sessionId, from, to, at]);
}
