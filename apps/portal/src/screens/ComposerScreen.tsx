import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { ApiError, sendOne } from "../api/client";
import { compositionCall, orderCall, orderOf } from "../api/compositions";
import { useMay } from "../api/session";
import type { Composition, Order } from "../api/types";
import { type Fault as Complaint, check } from "../composer/check";
import { FrameSettings } from "../composer/FrameSettings";
import { Inspector } from "../composer/Inspector";
import { JsonEditor } from "../composer/JsonEditor";
import { bodyOf, everything, firstOrder, freeName, hasPicture, limits, topmost } from "../composer/order";
import { Presets } from "../composer/Presets";
import { Stage } from "../composer/Stage";
import { clock, type Score } from "../playback/score";
import { useScore } from "../playback/useScore";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";
import { ChooseSession } from "./ChooseSession";

/** Draws a composition over the recordings it will be made of, and asks for it. */
export function ComposerScreen() {
  const { session, from } = useSearch({ from: "/inside/compositions/new" });
  const before = useQuery({
    queryKey: ["composition", from],
    queryFn: ({ signal }) => sendOne<Composition>(compositionCall(from ?? ""), signal),
    enabled: from !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const id = session ?? before.data?.session_id;
  const { score, error } = useScore(id ?? "");
  const isThere = from === undefined || before.data !== undefined;
  const may = useMay();
  if (!may("media")) {
    return (
      <div className="screen">
        <h1>New composition</h1>
        <p className="empty">It is drawn over the recordings themselves, which your role does not see.</p>
      </div>
    );
  }
  return (
    <div className="screen">
      <p className="trail">
        <Link to="/compositions">Compositions</Link>
      </p>
      <header className="heading">
        <h1>New composition</h1>
        {id && (
          <Link to="/recordings/session/$sessionId" params={{ sessionId: id }} className="button">
            Play the session
          </Link>
        )}
      </header>
      <Fault error={error ?? before.error} />
      {!session && !from && <ChooseSession />}
      {id && score && isThere && score.parts.length === 0 && (
        <p className="empty">The session has no complete recordings to compose yet.</p>
      )}
      {id && score && isThere && score.parts.length > 0 && (
        <Composer
          key={`${id} ${from}`}
          first={before.data ? orderOf(before.data) : firstOrder(id)}
          score={score}
        />
      )}
    </div>
  );
}

function Composer({ first, score }: { first: Order; score: Score }) {
  const [order, setOrder] = useState(first);
  const [chosen, setChosen] = useState<string>();
  const may = useMay();
  const client = useQueryClient();
  const navigate = useNavigate();
  const body = bodyOf(order);
  const faults = useMemo(() => check(order), [order]);
  const start = useMutation({
    mutationFn: () => sendOne<Composition>(orderCall(body)),
    onSuccess: (made) => {
      client.setQueryData(["composition", made.id], made);
      void client.invalidateQueries({ queryKey: ["compositions"] });
      void navigate({ to: "/compositions/$compositionId", params: { compositionId: made.id } });
    },
  });
  const change = (next: Order) => {
    setOrder(next);
    start.reset();
  };
  const region = chosen === undefined ? undefined : order.video_layout[chosen];
  const set = (layout: Order["video_layout"], choose?: string) => {
    change({ ...order, video_layout: layout });
    setChosen(choose);
  };
  const add = () => {
    const name = freeName(order.video_layout);
    set({ ...order.video_layout, [name]: { ...everything(), ...middle, z_pos: topmost(order) } }, name);
  };
  return (
    <div className="composer">
      <div className="drawing">
        {hasPicture(order) ? (
          <>
            <Presets order={order} score={score} onChange={(next) => set(next.video_layout)} />
            <Preview order={order} score={score} chosen={chosen} onChoose={setChosen} onChange={change} />
            <div className="actions">
              <button
                type="button"
                className="button"
                disabled={Object.keys(order.video_layout).length >= limits.regions}
                onClick={add}
              >
                Add region
              </button>
            </div>
            <p className="hint">
              Drag a region or its handles. Arrow keys move the chosen one, with Shift they change its size,
              with Ctrl they go by single pixels; [ and ] change its depth, Delete removes it. Shift and a
              drag draw a new one.
            </p>
          </>
        ) : (
          <p className="empty">This format has sound only: there is nothing to draw.</p>
        )}
        <JsonEditor order={order} refused={refusedOf(start.error)} onChange={change} />
      </div>
      <div className="panels">
        {region && chosen !== undefined && hasPicture(order) && (
          <Inspector
            order={order}
            score={score}
            name={chosen}
            onChange={(next) => change({ ...order, video_layout: { ...order.video_layout, [chosen]: next } })}
            onRename={(name) => {
              const renamed = Object.entries(order.video_layout).map(([each, it]) => [
                each === chosen ? name : each,
                it,
              ]);
              set(Object.fromEntries(renamed), name);
            }}
            onRemove={() => {
              const { [chosen]: _, ...left } = order.video_layout;
              set(left);
            }}
          />
        )}
        <FrameSettings order={order} score={score} onChange={change} />
        <section className="card start" aria-label="Start">
          <Fault error={start.error} />
          {faults.length > 0 && <p className="complaint">{faults[0]?.detail}</p>}
          {!may("write") && (
            <p className="muted">Your role cannot start it. A developer can, with the JSON.</p>
          )}
          <button
            type="button"
            className="button primary wide"
            disabled={faults.length > 0 || start.isPending || !may("write")}
            onClick={() => start.mutate()}
          >
            {start.isPending ? "Starting…" : "Start composition"}
          </button>
          <Curl call={orderCall(body)} />
        </section>
      </div>
    </div>
  );
}

/** Where a region is that was not drawn. */
const middle = { x_pos: 32, y_pos: 32, width: 320, height: 180 };

function Preview({
  order,
  score,
  ...rest
}: {
  order: Order;
  score: Score;
  chosen: string | undefined;
  onChoose: (name: string | undefined) => void;
  onChange: (order: Order) => void;
}) {
  const { at: asked } = useSearch({ from: "/inside/compositions/new" });
  const navigate = useNavigate({ from: "/compositions/new" });
  const [at, setAt] = useState(() => Math.min(asked ?? busiest(score), score.length));
  useEffect(() => setAt((moment) => Math.min(moment, score.length)), [score.length]);
  const settle = () =>
    void navigate({ search: (search) => ({ ...search, at: Math.round(at * 10) / 10 }), replace: true });
  return (
    <>
      <Stage order={order} score={score} at={at} {...rest} />
      <div className="transport">
        <output className="figures" aria-label="The moment shown">
          {clock(at)} / {clock(score.length)}
        </output>
        <input
          type="range"
          aria-label="Moment of the preview"
          aria-valuetext={`${clock(at)} of ${clock(score.length)}`}
          min={0}
          max={score.length}
          step={0.1}
          value={at}
          onChange={(event) => setAt(Number(event.target.value))}
          onPointerUp={settle}
          onKeyUp={settle}
        />
      </div>
    </>
  );
}

/** The middle of the time at which most pictures are there. */
function busiest({ parts }: Score): number {
  const pictures = parts.filter(({ type }) => type === "video");
  const marks = [...new Set(pictures.flatMap(({ from, until }) => [from, until]))].sort((a, b) => a - b);
  const middles = marks.slice(1).map((mark, i) => (mark + (marks[i] ?? 0)) / 2);
  const there = (at: number) => pictures.filter(({ from, until }) => from <= at && at < until).length;
  return middles.reduce((best, at) => (there(at) > there(best) ? at : best), middles[0] ?? 0);
}

/** What the server said of values of the order. */
function refusedOf(error: unknown): Complaint[] {
  if (!(error instanceof ApiError)) return [];
  return error.pointed.map(({ pointer, detail }) => ({ at: pointer, detail }));
}
