import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, type Call, send, sendOne } from "../api/client";
import { useSession } from "../api/session";
import type { Member, Page, PasswordLink, Role } from "../api/types";
import { Curl } from "../ui/Curl";
import { Dialog } from "../ui/Dialog";
import { Fault } from "../ui/Fault";
import { ChoiceField, TextField } from "../ui/Field";
import { Listing } from "../ui/Listing";
import type { Column } from "../ui/Table";
import { Time } from "../ui/Time";
import { LinkShown, MemberDialog, roles } from "./MemberDialog";

const list: Call = { method: "GET", path: "/members?page%5Bsize%5D=250" };

/** How a member signs in. */
function ways({ oidc, has_password }: Member): string {
  const all = [oidc && "provider", has_password && "password"].filter(Boolean);
  return all.length > 0 ? all.join(", ") : "–";
}

/** Who may sign in here, and as what. */
export function MembersScreen() {
  const { member: self } = useSession();
  const [inviting, setInviting] = useState(false);
  const [editing, setEditing] = useState<Member>();
  const members = useQuery({
    queryKey: ["members"],
    queryFn: ({ signal }) => send<Page<Member>>(list, signal),
  });
  const columns: Column<Member>[] = [
    {
      name: "Name",
      cell: (member) => (
        <>
          {member.name} {member.id === self.id && <span className="muted">(you)</span>}
        </>
      ),
    },
    { name: "Email", cell: (member) => member.email, wideOnly: true },
    { name: "Role", cell: (member) => member.role },
    { name: "Signs in by", cell: (member) => ways(member), wideOnly: true },
    {
      name: "Signed in",
      cell: (member) => <Time at={member.last_login_at} otherwise={member.has_password ? "–" : "invited"} />,
    },
    {
      name: "",
      cell: (member) => (
        <button
          type="button"
          className="link"
          aria-label={`Change ${member.name}`}
          onClick={() => setEditing(member)}
        >
          Change
        </button>
      ),
    },
  ];
  return (
    <div className="screen">
      <header className="heading">
        <h1>Members</h1>
        <button type="button" className="button primary" onClick={() => setInviting(true)}>
          <IconPlus size={18} aria-hidden />
          Invite
        </button>
      </header>
      <Listing
        label="Members"
        call={list}
        list={members}
        columns={columns}
        id={(member) => member.id}
        empty={<p>Nobody. Invite makes a link for somebody to sign in by.</p>}
      />
      {inviting && <Invite onClose={() => setInviting(false)} />}
      {editing && <MemberDialog member={editing} onClose={() => setEditing(undefined)} />}
    </div>
  );
}

function Invite({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("developer");
  const call: Call = {
    method: "POST",
    path: "/members",
    body: { email: email.trim(), name: name.trim(), role },
  };
  const invite = useMutation({
    mutationFn: () => sendOne<Member & PasswordLink>(call),
    onSuccess: () => client.invalidateQueries({ queryKey: ["members"] }),
  });
  const refused = invite.error instanceof ApiError ? invite.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate();
  };
  return (
    <Dialog title="Invite a member" onClose={onClose}>
      {invite.data ? (
        <LinkShown link={invite.data} onClose={onClose} />
      ) : (
        <form className="form" onSubmit={submit}>
          <TextField
            label="Email"
            type="email"
            required
            value={email}
            onChange={(event) => setEmail(event.target.value)}
            fault={refused?.of("email")}
          />
          <TextField
            label="Name"
            required
            value={name}
            onChange={(event) => setName(event.target.value)}
            fault={refused?.of("name")}
          />
          <ChoiceField
            label="Role"
            choices={roles}
            value={role}
            onChange={(event) => setRole(event.target.value as Role)}
          />
          <Fault error={invite.error} fields={["email", "name"]} />
          <Curl call={call} />
          <footer>
            <button type="button" className="button" onClick={onClose}>
              Cancel
            </button>
            <button type="submit" className="button primary" disabled={invite.isPending}>
              Invite
            </button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}
