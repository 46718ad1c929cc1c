import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type Call, sendOne } from "../api/client";
import { type Certificate, duration, type Setting, type StorageTest, type System } from "../api/system";
import type { SystemCheck } from "../api/types";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";
import { type Column, Table } from "../ui/Table";
import { Time } from "../ui/Time";
import { Checks } from "./Checks";

const call: Call = { method: "GET", path: "/system" };

/** The server itself: what it is, how it is set, and whether it works. */
export function SystemScreen() {
  const system = useQuery({
    queryKey: ["system"],
    queryFn: ({ signal }) => sendOne<System>(call, signal),
    refetchInterval: 10_000,
  });
  const checks = useQuery({
    queryKey: ["checks"],
    queryFn: ({ signal }) =>
      sendOne<{ checks: SystemCheck[] }>({ method: "GET", path: "/system_checks" }, signal),
  });
  return (
    <div className="screen">
      <header className="heading">
        <h1>System</h1>
      </header>
      <Fault error={system.error} />
      {system.data && (
        <>
          <About system={system.data} />
          <div className="halves">
            <section className="stack" aria-labelledby="checks">
              <h2 id="checks">Checks</h2>
              <div className="card">
                <Fault error={checks.error} />
                {checks.data ? <Checks checks={checks.data.checks} /> : <p className="muted">Checking…</p>}
              </div>
            </section>
            <div className="stack">
              <Storage place={system.data.media_store} />
              <Certificates certificates={system.data.certificates} />
              <Retention retention={system.data.retention} />
            </div>
          </div>
          <Settings settings={system.data.settings} />
        </>
      )}
      <Curl call={call} />
    </div>
  );
}

function About({ system }: { system: System }) {
  const facts: [string, React.ReactNode][] = [
    ["Version", system.version],
    ["Up for", duration(system.uptime_secs)],
    ["Started", <Time key="started" at={system.started_at} />],
    ["Built with", system.go_version],
    ["Record", system.database],
    ["Media", system.media_store],
    [
      "Metrics",
      system.metrics_url ? (
        <a key="metrics" href={system.metrics_url}>
          {system.metrics_url}
        </a>
      ) : (
        "Off"
      ),
    ],
  ];
  return (
    <dl className="facts card">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const testCall: Call = { method: "POST", path: "/system/actions/test_storage" };

function Storage({ place }: { place: string }) {
  const test = useMutation({ mutationFn: () => sendOne<StorageTest>(testCall) });
  return (
    <section className="stack" aria-labelledby="storage">
      <h2 id="storage">Storage</h2>
      <div className="card stack">
        <p className="small">
          Recordings and compositions stay here: <code>{place}</code>
        </p>
        <div className="actions">
          <button type="button" className="button" disabled={test.isPending} onClick={() => test.mutate()}>
            {test.isPending ? "Writing…" : "Test it now"}
          </button>
        </div>
        <div role="status">
          {test.data?.ok && (
            <p className="small">
              <span className="badge live">Works</span> Written, read back and deleted in {test.data.took_ms}{" "}
              ms.
            </p>
          )}
          {test.data && !test.data.ok && (
            <div className="fault">
              <p>It does not work, found after {test.data.took_ms} ms:</p>
              <p>
                <code>{test.data.error}</code>
              </p>
            </div>
          )}
        </div>
        <Fault error={test.error} />
        <Curl call={testCall} />
      </div>
    </section>
  );
}

function Certificates({ certificates }: { certificates: Certificate[] }) {
  const columns: Column<Certificate>[] = [
    { name: "Names", cell: (each) => each.names.join(", ") },
    { name: "From", cell: (each) => (each.source === "acme" ? "ACME" : "Files") },
    { name: "Issuer", cell: (each) => each.issuer, wideOnly: true },
    {
      name: "Ends",
      cell: (each) =>
        each.error ? (
          <span className="wrong">{each.error}</span>
        ) : (
          <Time at={each.expires_at} otherwise="none yet" />
        ),
    },
  ];
  return (
    <section className="stack" aria-labelledby="certificates">
      <h2 id="certificates">Certificates</h2>
      <Table
        label="Certificates"
        columns={columns}
        rows={certificates}
        id={(each) => each.names.join()}
        empty={
          <p>
            The server speaks no TLS itself. A proxy in front of it may; else see <code>--acme-domains</code>.
          </p>
        }
      />
    </section>
  );
}

function Retention({ retention }: { retention: System["retention"] }) {
  type Kept = System["retention"][number];
  const columns: Column<Kept>[] = [
    {
      name: "What",
      cell: (each) => (
        <span className="two-lines">
          {each.what}
          <code className="muted">{each.setting}</code>
        </span>
      ),
    },
    {
      name: "Is kept",
      cell: (each) =>
        each.secs === null
          ? each.kept === "for_ever"
            ? "for ever"
            : "not at all"
          : `for ${duration(each.secs)}`,
    },
  ];
  return (
    <section className="stack" aria-labelledby="retention">
      <h2 id="retention">Retention</h2>
      <Table label="Retention" columns={columns} rows={retention} id={(each) => each.setting} empty={null} />
    </section>
  );
}

const sources = { default: "Default", file: "File", environment: "Environment", flag: "Flag" };

function Settings({ settings }: { settings: Setting[] }) {
  const { search = "", changed = false } = useSearch({ from: "/inside/system" });
  const navigate = useNavigate({ from: "/system" });
  const rows = settings.filter(
    (each) =>
      (!changed || each.source !== "default") &&
      [each.name, each.value ?? ""].some((text) => text.toLowerCase().includes(search.toLowerCase())),
  );
  const columns: Column<Setting>[] = [
    { name: "Setting", cell: (each) => <code>{each.name}</code> },
    { name: "Value", cell: (each) => <Value setting={each} /> },
    {
      name: "From",
      cell: (each) => (
        <span className={each.source === "default" ? "muted" : "badge"}>{sources[each.source]}</span>
      ),
    },
    { name: "Variable", cell: (each) => <code className="muted">{each.variable}</code>, wideOnly: true },
    { name: "Flag", cell: (each) => <code className="muted">{each.flag ?? "none"}</code>, wideOnly: true },
  ];
  return (
    <section className="stack" aria-labelledby="settings">
      <h2 id="settings">Settings in force</h2>
      <div className="filters">
        <input
          type="search"
          className="input"
          aria-label="Filter settings by name or value"
          placeholder="Filter settings"
          value={search}
          onChange={({ target }) =>
            void navigate({
              search: { search: target.value || undefined, changed: changed || undefined },
              replace: true,
            })
          }
        />
        <label className="switch">
          <input
            type="checkbox"
            checked={changed}
            onChange={({ target }) =>
              void navigate({ search: { search: search || undefined, changed: target.checked || undefined } })
            }
          />
          Only what was changed
        </label>
        <p className="pages muted" role="status">
          {rows.length} of {settings.length} settings
        </p>
      </div>
      <Table
        label="Settings"
        columns={columns}
        rows={rows}
        id={(each) => each.name}
        empty={<p>No setting is like that.</p>}
      />
      <p className="hint">
        They are read when the server starts: change them where they come from, and start it anew.
      </p>
    </section>
  );
}

function Value({ setting }: { setting: Setting }) {
  if (!setting.set) return <span className="muted">not set</span>;
  if (setting.secret) return <span className="muted">set, not shown</span>;
  return <code className="setting-value">{setting.value}</code>;
}
