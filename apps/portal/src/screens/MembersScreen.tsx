import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, type Call, send, sendOne } from "../api/client";
import { useSession } from "../api/session";
import type { Member, Page, PasswordLink, Role } from "../api/types";
import { CopyLine } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Dialog } from "../ui/Dialog";
import { Fault } from "../ui/Fault";
import { ChoiceField, TextField } from "../ui/Field";
import { type Column, Table } from "../ui/Table";
import { Time } from "../ui/Time";

const list: Call = { method: "GET", path: "/members?page%5Bsize%5D=250" };
const roles: [Role, string][] = [
  ["owner", "Owner: everything, keys and members too"],
  ["developer", "Developer: everything but keys and members"],
  ["support", "Support: records and moderation, no media"],
  ["viewer", "Viewer: sees everything, changes nothing"],
];

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
      <Fault error={members.error} />
      {members.data && (
        <Table
          label="Members"
          columns={columns}
          rows={members.data.data}
          id={(member) => member.id}
          empty={<p>Nobody.</p>}
        />
      )}
      <Curl call={list} />
      {inviting && <Invite onClose={() => setInviting(false)} />}
      {editing && <Change member={editing} onClose={() => setEditing(undefined)} />}
    </div>
  );
}

function LinkShown({ link, onClose }: { link: PasswordLink; onClose: () => void }) {
  return (
    <div className="form">
      <p>
        Send this link to them alone: it lets its holder choose the password, once. It ends{" "}
        <Time at={link.link_expires_at} />.
      </p>
      <CopyLine text={link.link_url} label="the link" />
      <footer>
        <button type="button" className="button primary" onClick={onClose}>
          Done
        </button>
      </footer>
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
          {refused && !refused.of("email") && !refused.of("name") && <Fault error={refused} />}
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

function Change({ member, onClose }: { member: Member; onClose: () => void }) {
  const client = useQueryClient();
  const [role, setRole] = useState(member.role);
  const path = `/members/${member.id}`;
  const done = () => {
    void client.invalidateQueries({ queryKey: ["members"] });
    onClose();
  };
  const update: Call = { method: "PATCH", path, body: { role } };
  const save = useMutation({ mutationFn: () => sendOne<Member>(update), onSuccess: done });
  const remove = useMutation({ mutationFn: () => send<void>({ method: "DELETE", path }), onSuccess: done });
  const reset = useMutation({
    mutationFn: () => sendOne<PasswordLink>({ method: "POST", path: `${path}/actions/reset_password` }),
  });
  if (reset.data) {
    return (
      <Dialog title={`A link for ${member.name}`} onClose={onClose}>
        <LinkShown link={reset.data} onClose={onClose} />
      </Dialog>
    );
  }
  return (
    <Dialog title={member.name} onClose={onClose}>
      <div className="form">
        <ChoiceField
          label="Role"
          choices={roles}
          value={role}
          onChange={(event) => setRole(event.target.value as Role)}
        />
        <Fault error={save.error ?? remove.error ?? reset.error} />
        <Curl call={update} />
        <div className="actions">
          <button type="button" className="button" disabled={reset.isPending} onClick={() => reset.mutate()}>
            Make a password link
          </button>
          <button
            type="button"
            className="button danger"
            disabled={remove.isPending}
            onClick={() => remove.mutate()}
          >
            Remove and sign out
          </button>
        </div>
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            className="button primary"
            disabled={role === member.role || save.isPending}
            onClick={() => save.mutate()}
          >
            Save
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
