import { Link } from "@tanstack/react-router";

/** The three views of what sessions were held. */
export function SessionTabs() {
  return (
    <nav className="tabs" aria-label="Sessions">
      <Link to="/sessions" activeOptions={{ exact: true, includeSearch: false }}>
        Sessions
      </Link>
      <Link to="/sessions/people" activeOptions={{ includeSearch: false }}>
        People
      </Link>
      <Link to="/sessions/refused" activeOptions={{ includeSearch: false }}>
        Refused joins
      </Link>
    </nav>
  );
}
