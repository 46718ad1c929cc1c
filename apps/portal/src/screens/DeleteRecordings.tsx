import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type Call, query, send, sendOne } from "../api/client";
import { type RecordingsSearch, recordingFilters } from "../api/media";
import type { Page, Recording } from "../api/types";
import { Curl } from "../ui/Curl";
import { Dialog } from "../ui/Dialog";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";

const whole = new Intl.NumberFormat("en");

/** How many recordings a filter finds. */
async function count(filters: RecordingsSearch, signal: AbortSignal): Promise<number> {
  const path = `/room_recordings${query({ ...recordingFilters(filters), "page[size]": 1 })}`;
  return (await send<Page<Recording>>({ method: "GET", path }, signal)).meta.total_results;
}

/** Deletes what a filter finds, after its number was typed: media does not come back. */
export function DeleteRecordings({ filters, onClose }: { filters: RecordingsSearch; onClose: () => void }) {
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  const asked = recordingFilters(filters);
  const all = Object.values(asked).every((value) => value === undefined);
  const call: Call = {
    method: "DELETE",
    path: `/room_recordings${query(all ? { "filter[all]": "true" } : asked)}`,
  };
  const counted = useQuery({
    queryKey: ["count-recordings", filters],
    queryFn: async ({ signal }) => {
      const found = await count(filters, signal);
      const running =
        filters.status === undefined || filters.status === "processing"
          ? await count({ ...filters, status: "processing" }, signal)
          : 0;
      return { stored: found - running, running };
    },
    staleTime: 0,
  });
  const remove = useMutation({
    mutationFn: () => sendOne<{ room_recordings: number }>(call),
    onSettled: () => client.invalidateQueries({ queryKey: ["recordings"] }),
  });
  if (remove.data) {
    const { room_recordings: gone } = remove.data;
    return (
      <Dialog title="Recordings deleted" onClose={onClose}>
        <div className="form">
          <p role="status">
            {gone === 1 ? "1 recording is" : `${whole.format(gone)} recordings are`} gone, and the files with{" "}
            {gone === 1 ? "it" : "them"}.
          </p>
          <footer>
            <button type="button" className="button primary" onClick={onClose}>
              Done
            </button>
          </footer>
        </div>
      </Dialog>
    );
  }
  const { stored = 0, running = 0 } = counted.data ?? {};
  const noun = stored === 1 ? "1 recording" : `${whole.format(stored)} recordings`;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    remove.mutate();
  };
  return (
    <Dialog title={all ? "Delete all recordings" : "Delete the recordings that were found"} onClose={onClose}>
      <form className="form" onSubmit={submit}>
        {counted.data ? (
          <p>
            This deletes <strong>{noun}</strong> with their files, for good.
            {running > 0 && ` ${whole.format(running)} being made ${running === 1 ? "stays" : "stay"}.`}{" "}
            Compositions made of them stay.
          </p>
        ) : (
          <p className="muted">Counting…</p>
        )}
        <TextField
          label={`Type ${stored} to go on`}
          inputMode="numeric"
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Fault error={counted.error ?? remove.error} />
        <Curl call={call} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className="button danger"
            disabled={!counted.data || stored === 0 || typed.trim() !== String(stored) || remove.isPending}
          >
            {remove.isPending ? "Deleting…" : `Delete ${noun}`}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
