import { IconPlus } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { type Call, query, send } from "../api/client";
import { useMay } from "../api/session";
import type { Page, Room } from "../api/types";
import type { RoomsSearch } from "../router";
import { Id } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";
import { Pages } from "../ui/Pages";
import { type Column, Table } from "../ui/Table";
import { Time } from "../ui/Time";
import { RoomForm } from "./RoomForm";

const columns: Column<Room>[] = [
  {
    name: "Name",
    cell: (room) => (
      <Link to="/rooms/$roomId" params={{ roomId: room.id }} className="row-link">
        {room.unique_name ?? <span className="muted">without a name</span>}
      </Link>
    ),
  },
  {
    name: "Now",
    cell: (room) =>
      room.active_session_id ? <span className="badge live">Live</span> : <span className="muted">Idle</span>,
  },
  { name: "Id", cell: (room) => <Id id={room.id} />, wideOnly: true },
  { name: "Seats", cell: (room) => room.max_participants, figures: true, wideOnly: true },
  {
    name: "Recording",
    cell: (room) => (room.enable_recording ? "On" : <span className="muted">Off</span>),
    wideOnly: true,
  },
  { name: "Created", cell: (room) => <Time at={room.created_at} />, figures: true },
];

const roomsCall = ({ search, page }: RoomsSearch): Call => ({
  method: "GET",
  path: `/rooms${query({ "filter[search]": search, "page[number]": page, "page[size]": 50 })}`,
});

/** Every room of the account, found by name or id. */
export function RoomsScreen() {
  const seek = useSearch({ from: "/inside/rooms" });
  const navigate = useNavigate({ from: "/rooms" });
  const may = useMay();
  const [making, setMaking] = useState(false);
  const call = roomsCall(seek);
  const rooms = useQuery({
    queryKey: ["rooms", seek],
    queryFn: ({ signal }) => send<Page<Room>>(call, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
  return (
    <div className="screen">
      <header className="heading">
        <h1>Rooms</h1>
        {may("write") && (
          <button type="button" className="button primary" onClick={() => setMaking(true)}>
            <IconPlus size={18} aria-hidden />
            New room
          </button>
        )}
      </header>
      <div className="filters">
        <SearchField
          value={seek.search ?? ""}
          onChange={(search) => void navigate({ search: { search: search || undefined }, replace: true })}
        />
        <Pages
          meta={rooms.data?.meta}
          noun={["room", "rooms"]}
          onTurn={(page) => void navigate({ search: { ...seek, page: page > 1 ? page : undefined } })}
        />
      </div>
      <Fault error={rooms.error} />
      {rooms.data && (
        <Table
          label="Rooms"
          columns={columns}
          rows={rooms.data.data}
          id={(room) => room.id}
          empty={
            seek.search ? (
              <p>No room has “{seek.search}” in its name, or begins its id with it.</p>
            ) : (
              <p>
                There are no rooms yet.{" "}
                {may("write") ? "Make the first one with New room." : "A developer can make one."}
              </p>
            )
          }
        />
      )}
      <Curl call={call} />
      {making && (
        <RoomForm
          onClose={() => setMaking(false)}
          onDone={(room) => void navigate({ to: "/rooms/$roomId", params: { roomId: room.id } })}
        />
      )}
    </div>
  );
}

/** Asks the server when typing rests. */
function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(() => onChange(typed.trim()), 200);
    return () => clearTimeout(timer);
  }, [typed, value, onChange]);
  return (
    <input
      className="input"
      type="search"
      aria-label="Filter rooms by name or id"
      placeholder="Name or id"
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}
