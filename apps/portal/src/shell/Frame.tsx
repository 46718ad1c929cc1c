import { Mark } from "@rotunda/theme/Mark";
import {
  IconBook,
  IconChartBar,
  IconChartLine,
  IconDoor,
  IconHistory,
  IconKey,
  IconLayoutDashboard,
  IconMenu2,
  IconRocket,
  IconServer,
  IconTimeline,
  IconUsers,
  IconVideo,
  IconWebhook,
  IconX,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { sessionQuery } from "../api/session";
import type { Right } from "../api/types";
import { AccountMenu } from "./AccountMenu";
import { IdSearch } from "./IdSearch";

const places: { to: string; name: string; icon: typeof IconKey; right: Right }[] = [
  { to: "/", name: "Overview", icon: IconChartLine, right: "read" },
  { to: "/rooms", name: "Rooms", icon: IconDoor, right: "read" },
  { to: "/sessions", name: "Sessions", icon: IconTimeline, right: "read" },
  { to: "/recordings", name: "Recordings", icon: IconVideo, right: "read" },
  { to: "/compositions", name: "Compositions", icon: IconLayoutDashboard, right: "read" },
  { to: "/webhooks", name: "Webhooks", icon: IconWebhook, right: "write" },
  { to: "/usage", name: "Usage", icon: IconChartBar, right: "read" },
  { to: "/keys", name: "Keys", icon: IconKey, right: "administer" },
  { to: "/members", name: "Members", icon: IconUsers, right: "administer" },
  { to: "/audit", name: "Audit", icon: IconHistory, right: "administer" },
  { to: "/system", name: "System", icon: IconServer, right: "administer" },
  { to: "/start", name: "Get started", icon: IconRocket, right: "administer" },
];

/** What is around every screen for members: where one can go, who one is, and the search. */
export function Frame() {
  const session = useQuery(sessionQuery).data;
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [open, setOpen] = useState(false);

  useEffect(() => {
    if (session === null) void navigate({ to: "/sign-in", search: { to: path } });
  }, [session, navigate, path]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: going anywhere closes the navigation of narrow screens
  useEffect(() => setOpen(false), [path]);

  if (!session) return null;
  return (
    <div className="frame">
      <a className="skip" href="#content">
        To the content
      </a>
      <header className="top">
        <button
          type="button"
          className="icon-button narrow-only"
          aria-expanded={open}
          aria-controls="navigation"
          aria-label={open ? "Close the navigation" : "Open the navigation"}
          onClick={() => setOpen(!open)}
        >
          {open ? <IconX size={20} /> : <IconMenu2 size={20} />}
        </button>
        <Link to="/" className="brand" aria-label="Rotunda">
          <Mark size={26} />
          <span>Rotunda</span>
        </Link>
        <IdSearch />
        <AccountMenu session={session} />
      </header>
      <nav id="navigation" className="side" aria-label="Portal" data-open={open}>
        <ul>
          {places
            .filter(({ right }) => session.rights.includes(right))
            .map(({ to, name, icon: Icon }) => (
              <li key={to}>
                <Link to={to} activeOptions={{ exact: to === "/", includeSearch: false }} className="place">
                  <Icon size={18} stroke={1.6} aria-hidden />
                  {name}
                </Link>
              </li>
            ))}
        </ul>
        <a className="place quiet" href="/docs">
          <IconBook size={18} stroke={1.6} aria-hidden />
          API reference
        </a>
      </nav>
      <main id="content" className="content" tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}
