import { IconPlus } from "@tabler/icons-react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { send } from "../api/client";
import { type CompositionsSearch, compositionsCall } from "../api/compositions";
import { usePushed } from "../api/pushed";
import { useMay } from "../api/session";
import type { Composition, Page } from "../api/types";
import { clock } from "../playback/score";
import { Id } from "../ui/Copy";
import { Listing } from "../ui/Listing";
import { Pages } from "../ui/Pages";
import type { Column } from "../ui/Table";
import { Time } from "../ui/Time";
import { CompositionProgress } from "./CompositionProgress";
import { useRetry } from "./useRetry";

const columns: Column<Composition>[] = [
  {
    name: "Asked for",
    cell: ({ id, created_at: at }) => (
      <Link to="/compositions/$compositionId" params={{ compositionId: id }} className="row-link">
        <Time at={at} />
      </Link>
    ),
  },
  { name: "State", cell: (composition) => <CompositionProgress composition={composition} /> },
  {
    name: "Format",
    cell: ({ format, resolution }) =>
      format === "m4a" || format === "ogg" ? format : `${format}, ${resolution.replace("x", " × ")}`,
    wideOnly: true,
  },
  {
    name: "Length",
    cell: ({ status, duration_secs: length }) => (status === "completed" ? clock(length) : "–"),
    figures: true,
    wideOnly: true,
  },
  { name: "Session", cell: ({ session_id: id }) => <Id id={id} />, wideOnly: true },
];

/** The queue of compositions and those that were made. */
export function CompositionsScreen() {
  const seek = useSearch({ from: "/inside/compositions" });
  const navigate = useNavigate({ from: "/compositions" });
  const may = useMay();
  const retry = useRetry();
  const call = compositionsCall(seek);
  const compositions = usePushed({
    key: ["compositions", call.path],
    call,
    turns: true,
    event: "room_compositions",
    ask: (call, signal) => send<Page<Composition>>(call, signal),
  });
  const again: Column<Composition> = {
    name: "",
    cell: (composition) =>
      composition.status === "failed" && (
        <button
          type="button"
          className="link"
          aria-label={`Try again: ${composition.id}`}
          disabled={retry.isPending}
          onClick={() => retry.mutate(composition)}
        >
          Try again
        </button>
      ),
  };
  const set = (change: Partial<CompositionsSearch>) =>
    void navigate({ search: { ...seek, page: undefined, ...change }, replace: true });
  return (
    <div className="screen">
      <header className="heading">
        <h1>Compositions</h1>
        {may("write") && may("media") && (
          <Link to="/compositions/new" className="button primary">
            <IconPlus size={18} aria-hidden />
            New composition
          </Link>
        )}
      </header>
      <div className="filters">
        <select
          className="select"
          aria-label="State"
          value={seek.status ?? ""}
          onChange={({ target }) =>
            set({ status: (target.value || undefined) as CompositionsSearch["status"] })
          }
        >
          <option value="">Every state</option>
          <option value="enqueued">Waiting</option>
          <option value="processing">In work</option>
          <option value="completed">Made</option>
          <option value="failed">Failed</option>
        </select>
        {seek.session && (
          <button type="button" className="button" onClick={() => set({ session: undefined })}>
            Of every session
          </button>
        )}
        <Pages
          meta={compositions.data?.meta}
          noun={["composition", "compositions"]}
          onTurn={(page) => set({ page: page > 1 ? page : undefined })}
        />
      </div>
      <Listing
        label="Compositions"
        call={call}
        list={compositions}
        error={compositions.error ?? retry.error}
        columns={may("write") ? [...columns, again] : columns}
        id={({ id }) => id}
        empty={
          seek.status || seek.session ? (
            <p>No composition is like that.</p>
          ) : (
            <p>
              There are no compositions yet. One makes a single file of a session’s recordings:{" "}
              {may("write") ? "New composition draws it." : "a developer can draw it."}
            </p>
          )
        }
      />
    </div>
  );
}
