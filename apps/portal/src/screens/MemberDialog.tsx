import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Call, send, sendOne } from "../api/client";
import { useSession } from "../api/session";
import { methodsQuery } from "../api/signin";
import type { Member, PasswordLink, Role } from "../api/types";
import { Confirm } from "../ui/Confirm";
import { Curl } from "../ui/Curl";
import { Dialog } from "../ui/Dialog";
import { Fault } from "../ui/Fault";
import { ChoiceField } from "../ui/Field";
import { ShownOnce } from "../ui/ShownOnce";
import { Time } from "../ui/Time";

export const roles: [Role, string][] = [
  ["owner", "Owner: everything, keys and members too"],
  ["developer", "Developer: everything but keys and members"],
  ["support", "Support: records and moderation, no media"],
  ["viewer", "Viewer: sees everything, changes nothing"],
];

/** A link by which somebody chooses a password. */
export function LinkShown({ link, onClose }: { link: PasswordLink; onClose: () => void }) {
  return (
    <ShownOnce secret={link.link_url} label="the link" onClose={onClose}>
      Send this link to them alone: it lets its holder choose the password, once. It ends{" "}
      <Time at={link.link_expires_at} />.
    </ShownOnce>
  );
}

/** Changes a member's role; makes them a link to choose a password by; removes them. */
export function MemberDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const [step, setStep] = useState<"link" | "remove">();
  const back = () => setStep(undefined);
  switch (step) {
    case "link":
      return <PasswordLinkDialog member={member} onBack={back} onClose={onClose} />;
    case "remove":
      return <RemoveDialog member={member} onBack={back} onClose={onClose} />;
    default:
      return <RoleDialog member={member} onStep={setStep} onClose={onClose} />;
  }
}

function RoleDialog({
  member,
  onStep,
  onClose,
}: {
  member: Member;
  onStep: (step: "link" | "remove") => void;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const provider = useQuery(methodsQuery).data?.oidc;
  const [role, setRole] = useState(member.role);
  const update: Call = { method: "PATCH", path: `/members/${member.id}`, body: { role } };
  const save = useMutation({
    mutationFn: () => sendOne<Member>(update),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["members"] });
      onClose();
    },
  });
  return (
    <Dialog title={member.name} onClose={onClose}>
      <div className="form">
        <ChoiceField
          label="Role"
          choices={roles}
          value={role}
          onChange={(event) => setRole(event.target.value as Role)}
          hint={
            member.oidc && provider?.sets_roles
              ? `${provider.name} sets it anew when they sign in there.`
              : undefined
          }
        />
        <Fault error={save.error} />
        <Curl call={update} />
        <div className="actions">
          <button type="button" className="button" onClick={() => onStep("link")}>
            Make a password link
          </button>
          <button type="button" className="button danger" onClick={() => onStep("remove")}>
            Remove
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

function PasswordLinkDialog({
  member,
  onBack,
  onClose,
}: {
  member: Member;
  onBack: () => void;
  onClose: () => void;
}) {
  const call: Call = { method: "POST", path: `/members/${member.id}/actions/reset_password` };
  const make = useMutation({ mutationFn: () => sendOne<PasswordLink>(call) });
  if (!make.data) {
    return (
      <Confirm
        title={`A link for ${member.name}`}
        call={call}
        verb="Make the link"
        back="Back"
        harmless
        sending={make}
        onGo={() => make.mutate()}
        onClose={onClose}
        onBack={onBack}
      >
        The link lets its holder choose the password of {member.email}, once. Earlier links stop working. The
        present password works until another is chosen; then all their sessions end.
      </Confirm>
    );
  }
  return (
    <Dialog title={`A link for ${member.name}`} onClose={onClose}>
      <LinkShown link={make.data} onClose={onClose} />
    </Dialog>
  );
}

function RemoveDialog({
  member,
  onBack,
  onClose,
}: {
  member: Member;
  onBack: () => void;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const { member: self } = useSession();
  const call: Call = { method: "DELETE", path: `/members/${member.id}` };
  const remove = useMutation({
    mutationFn: () => send<void>(call),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["members"] });
      if (member.id === self.id) void client.invalidateQueries({ queryKey: ["session"] });
      onClose();
    },
  });
  return (
    <Confirm
      title={`Remove ${member.name}`}
      call={call}
      verb="Remove and sign out"
      back="Back"
      sending={remove}
      onGo={() => remove.mutate()}
      onClose={onClose}
      onBack={onBack}
    >
      {member.id === self.id ? "You are signed out" : `${member.name} is signed out`} everywhere at once, and{" "}
      {member.email} can no longer sign in. Links to choose a password stop working. The audit log keeps what
      was done. API keys stay: revoke those that went with them.
      {member.oidc &&
        " The sign-in provider may let them in again, as a new member: take their access away there first."}
    </Confirm>
  );
}
