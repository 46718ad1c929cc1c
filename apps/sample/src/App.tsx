import { initialize } from "@rotunda/video";
import { useCallback, useEffect, useState } from "react";
import { CallScreen } from "./call/CallScreen";
import { Conversation } from "./call/conversation";
import { afterRefusal, type Ending } from "./call/ending";
import { ConnectivityPage } from "./connectivity/ConnectivityPage";
import { Capture } from "./devices/capture";
import { recall, remember } from "./devices/remembered";
import { EndPage } from "./entrance/EndPage";
import { type Invitation, readInvitation } from "./entrance/invitation";
import { JoinPage } from "./entrance/JoinPage";
import { Pass, PassError } from "./entrance/pass";
import { StartPage } from "./entrance/StartPage";

/** One visit with one link. */
export function App() {
  const [invitation, setInvitation] = useState(() => readInvitation(location.hash));

  useEffect(() => {
    const reread = () => setInvitation(readInvitation(location.hash));
    window.addEventListener("hashchange", reread);
    return () => window.removeEventListener("hashchange", reread);
  }, []);

  if (invitation.kind === "demo" || invitation.kind === "room") {
    if (location.pathname === "/connectivity") {
      return <ConnectivityPage key={JSON.stringify(invitation)} invitation={invitation} />;
    }
    return <Visit key={JSON.stringify(invitation)} invitation={invitation} />;
  }
  return <StartPage problem={invitation.kind === "broken" ? invitation.problem : null} />;
}

interface Wanted {
  microphone: boolean;
  camera: boolean;
}

type Phase =
  | { kind: "join"; devices: Capture }
  | { kind: "call"; devices: Capture; call: Conversation }
  | { kind: "end"; ending: Ending; wanted: Wanted };

function Visit({ invitation }: { invitation: Invitation & { kind: "demo" | "room" } }) {
  const [pass] = useState(() => new Pass(invitation));
  const [name, setName] = useState(() => recall().name);
  const [phase, setPhase] = useState<Phase>(() => ({ kind: "join", devices: new Capture() }));

  const enter = useCallback(
    (devices: Capture, as: string) => {
      const call = new Conversation({ pass, devices, name: as, initialize });
      setPhase({ kind: "call", devices, call });
      void call.start();
    },
    [pass],
  );

  const join = (devices: Capture, as: string) => {
    setName(as);
    remember({ name: as === "Guest" ? "" : as });
    enter(devices, as);
  };

  const rejoin = (wanted: Wanted) => {
    const devices = new Capture();
    void devices.open(wanted);
    enter(devices, name || "Guest");
  };

  useLife(phase, setPhase);

  // Gets the ticket while the user still types: joining is quicker, and a dead link says so at once.
  useEffect(() => {
    pass.ticket().catch((error: unknown) => {
      const verdict = error instanceof PassError ? afterRefusal(error.refusal) : null;
      if (verdict?.kind !== "end") return;
      setPhase((now) =>
        now.kind === "join"
          ? { kind: "end", ending: verdict.ending, wanted: { microphone: true, camera: true } }
          : now,
      );
    });
  }, [pass]);

  switch (phase.kind) {
    case "join":
      return <JoinPage devices={phase.devices} name={name} onJoin={(as) => join(phase.devices, as)} />;
    case "call":
      return <CallScreen call={phase.call} devices={phase.devices} shareable={invitation.kind === "demo"} />;
    case "end":
      return <EndPage ending={phase.ending} onRejoin={() => rejoin(phase.wanted)} />;
  }
}

/** Opens the devices for the join page, and turns the end of a call into the end page. */
function useLife(phase: Phase, setPhase: (phase: Phase) => void): void {
  const devices = phase.kind === "end" ? null : phase.devices;
  const call = phase.kind === "call" ? phase.call : null;

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, for the join page's own devices
  useEffect(() => {
    if (phase.kind === "join") void phase.devices.open();
  }, []);

  useEffect(() => {
    if (!call || !devices) return;
    return call.view.subscribe(() => {
      const { ending } = call.view.get();
      if (!ending) return;
      const { microphone, camera } = devices.view.get();
      devices.close();
      setPhase({ kind: "end", ending, wanted: { microphone: microphone.on, camera: camera.on } });
    });
  }, [call, devices, setPhase]);

  // A new link in the same tab ends this visit.
  useEffect(
    () => () => {
      call?.leave();
    },
    [call],
  );
  useEffect(
    () => () => {
      devices?.close();
    },
    [devices],
  );
}
