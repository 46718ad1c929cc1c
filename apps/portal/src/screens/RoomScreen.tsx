import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { type Call, send, sendOne } from "../api/client";
import { nameOf } from "../api/history";
import { useMay } from "../api/session";
import type { Room, Session } from "../api/types";
import { Confirm } from "../ui/Confirm";
import { Id } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Fact } from "../ui/Fact";
import { Fault } from "../ui/Fault";
import { Time } from "../ui/Time";
import { InviteDialog } from "./InviteDialog";
import { RoomForm } from "./RoomForm";
import { RoomSessions } from "./RoomSessions";

/** One room: what it is, who is in it, and what can be done with it. */
export function RoomScreen() {
  const { roomId } = useParams({ from: "/inside/rooms/$roomId" });
  const may = useMay();
  const navigate = useNavigate();
  const [open, setOpen] = useState<"edit" | "delete" | "invite">();
  const close = () => setOpen(undefined);
  const call: Call = { method: "GET", path: `/rooms/${roomId}` };
  const room = useQuery({
    queryKey: ["room", roomId],
    queryFn: ({ signal }) => sendOne<Room>(call, signal),
    refetchInterval: 3_000,
  });
  const session = useQuery({
    queryKey: ["session-of-room", room.data?.active_session_id],
    queryFn: ({ signal }) =>
      sendOne<Session>(
        { method: "GET", path: `/room_sessions/${room.data?.active_session_id}?include_participants=true` },
        signal,
      ),
    enabled: Boolean(room.data?.active_session_id),
    refetchInterval: 3_000,
  });
  if (!room.data) {
    return (
      <div className="screen">
        <Fault error={room.error} />
      </div>
    );
  }
  const { unique_name: name, active_session_id: live } = room.data;
  const people = live ? (session.data?.participants?.filter((each) => !each.left_at) ?? []) : [];
  return (
    <div className="screen">
      <p className="trail">
        <Link to="/rooms">Rooms</Link>
      </p>
      <header className="heading">
        <h1>{name ?? "Room without a name"}</h1>
        <div className="actions">
          <Link to="/rooms/$roomId/live" params={{ roomId }} className="button">
            Live session
          </Link>
          {may("tokens") && (
            <button type="button" className="button primary" onClick={() => setOpen("invite")}>
              Invite
            </button>
          )}
          {may("write") && (
            <>
              <button type="button" className="button" onClick={() => setOpen("edit")}>
                Edit
              </button>
              <button type="button" className="button" onClick={() => setOpen("delete")}>
                Delete
              </button>
            </>
          )}
        </div>
      </header>
      <dl className="facts card">
        <Fact name="Now">
          {live ? (
            <Link to="/rooms/$roomId/live" params={{ roomId }} className="badge live">
              Live, {people.length} {people.length === 1 ? "person" : "people"}
            </Link>
          ) : (
            "Idle"
          )}
        </Fact>
        <Fact name="Id">
          <Id id={roomId} />
        </Fact>
        <Fact name="Seats">{room.data.max_participants}</Fact>
        <Fact name="Recording">
          {room.data.enable_recording ? "On" : "Off"},{" "}
          <Link to="/recordings" search={{ room: roomId }}>
            what there is
          </Link>
        </Fact>
        <Fact name="Webhook">{room.data.webhook_event_url ?? "The account's"}</Fact>
        <Fact name="Created">
          <Time at={room.data.created_at} />
        </Fact>
        <Fact name="Changed">
          <Time at={room.data.updated_at} />
        </Fact>
      </dl>
      <section className="stack" aria-labelledby="people">
        <h2 id="people">People in it now</h2>
        {people.length === 0 ? (
          <p className="empty">Nobody. {may("tokens") && "Invite makes a link to come in by."}</p>
        ) : (
          <ul className="people">
            {people.map((each) => (
              <li key={each.id} className="card">
                <Link to="/participants/$participantId/quality" params={{ participantId: each.id }}>
                  {nameOf(each, each.id)}
                </Link>
                <Id id={each.id} />
                <span className="muted">
                  joined <Time at={each.joined_at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </section>
      <RoomSessions room={room.data} />
      <Curl call={call} />
      {open === "edit" && <RoomForm room={room.data} onClose={close} onDone={close} />}
      {open === "invite" && <InviteDialog room={room.data} onClose={close} />}
      {open === "delete" && (
        <DeleteRoom
          room={room.data}
          people={people.length}
          onClose={close}
          onDone={() => void navigate({ to: "/rooms" })}
        />
      )}
    </div>
  );
}

function DeleteRoom({
  room,
  people,
  onClose,
  onDone,
}: {
  room: Room;
  people: number;
  onClose: () => void;
  onDone: () => void;
}) {
  const client = useQueryClient();
  const call: Call = { method: "DELETE", path: `/rooms/${room.id}` };
  const remove = useMutation({
    mutationFn: () => send<void>(call),
    onSuccess: () => {
      client.removeQueries({ queryKey: ["room", room.id] });
      void client.invalidateQueries({ queryKey: ["rooms"] });
      onDone();
    },
  });
  const ends = room.active_session_id
    ? `This ends its session with ${people} ${people === 1 ? "person" : "people"} at once.`
    : "Nobody is in it now.";
  return (
    <Confirm
      title={`Delete ${room.unique_name ?? "this room"}`}
      call={call}
      verb={room.active_session_id ? "Delete and end the session" : "Delete room"}
      sending={remove}
      onGo={() => remove.mutate()}
      onClose={onClose}
    >
      {ends} Its links stop working and its name becomes free. Sessions and recordings of it stay.
    </Confirm>
  );
}
