import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, type Call, sendOne } from "../api/client";
import type { Room } from "../api/types";
import { Curl } from "../ui/Curl";
import { Dialog } from "../ui/Dialog";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";

interface Props {
  /** The room to be changed; a new one is made without. */
  room?: Room;
  onClose: () => void;
  onDone: (room: Room) => void;
}

/** Makes or changes a room. */
export function RoomForm({ room, onClose, onDone }: Props) {
  const client = useQueryClient();
  const [name, setName] = useState(room?.unique_name ?? "");
  const [seats, setSeats] = useState(String(room?.max_participants ?? 10));
  const [records, setRecords] = useState(room?.enable_recording ?? false);
  const call: Call = {
    method: room ? "PATCH" : "POST",
    path: room ? `/rooms/${room.id}` : "/rooms",
    body: { unique_name: name.trim() || null, max_participants: Number(seats), enable_recording: records },
  };
  const save = useMutation({
    mutationFn: () => sendOne<Room>(call),
    onSuccess: (saved) => {
      client.setQueryData(["room", saved.id], saved);
      void client.invalidateQueries({ queryKey: ["rooms"] });
      onDone(saved);
    },
  });
  const refused = save.error instanceof ApiError ? save.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog title={room ? "Edit room" : "New room"} onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <TextField
          label="Name"
          hint="No other room has it. It may be empty."
          maxLength={255}
          value={name}
          onChange={(event) => setName(event.target.value)}
          fault={refused?.of("unique_name")}
        />
        <TextField
          label="Seats"
          type="number"
          min={2}
          max={50}
          required
          value={seats}
          onChange={(event) => setSeats(event.target.value)}
          fault={refused?.of("max_participants")}
        />
        <label className="switch">
          <input type="checkbox" checked={records} onChange={(event) => setRecords(event.target.checked)} />
          Record its sessions
        </label>
        <Fault error={save.error} fields={["unique_name", "max_participants"]} />
        <Curl call={call} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={save.isPending}>
            {room ? "Save" : "Make room"}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
