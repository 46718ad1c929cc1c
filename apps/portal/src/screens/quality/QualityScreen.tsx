import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Call, query, sendOne } from "../../api/client";
import { nameOf } from "../../api/history";
import { type Diagnosis, everyStep, type Finding, qualityCall, resolutionFor } from "../../api/quality";
import type { Participant } from "../../api/types";
import { useMoments } from "../../shell/zone";
import { Id } from "../../ui/Copy";
import { Curl } from "../../ui/Curl";
import { Fault } from "../../ui/Fault";
import { ZoneChoice } from "../timeline/TimelineScreen";
import { lasting, reasonOf } from "../timeline/words";
import { type Evidence, QualityChart } from "./QualityChart";
import { browserOf, type ChartData, chart, letterOf, pathsOf } from "./series";

type Stay = Participant & { session_id: string; left_reason: string | null };

/** How somebody's media went: what went wrong and on whose side in a sentence, and the figures of both ends behind it. */
export function QualityScreen() {
  const { participantId } = useParams({ from: "/inside/participants/$participantId/quality" });
  const participant = useQuery({
    queryKey: ["participant", participantId],
    queryFn: ({ signal }) =>
      sendOne<Stay>({ method: "GET", path: `/room_participants/${participantId}` }, signal),
    refetchInterval: 10_000,
  });
  if (!participant.data) {
    return (
      <div className="screen">
        <Fault error={participant.error} />
      </div>
    );
  }
  return <Quality participant={participant.data} />;
}

function Quality({ participant }: { participant: Stay }) {
  const { from, to } = useSearch({ from: "/inside/participants/$participantId/quality" });
  const navigate = useNavigate();
  const moments = useMoments();
  const present = participant.left_at === null;
  const resolution = useResolution(participant, from, to);
  const refetchInterval = present ? 10_000 : (false as const);
  const call: Call = {
    method: "GET",
    path: `/room_participants/${participant.id}/diagnosis${query({ from, until: to })}`,
  };
  const diagnosis = useQuery({
    queryKey: ["diagnosis", participant.id, from, to],
    queryFn: ({ signal }) => sendOne<Diagnosis>(call, signal),
    placeholderData: (before) => before,
    refetchInterval,
  });
  const asked = { ...(from && { from }), ...(to && { to }), resolution };
  const steps = useQuery({
    queryKey: ["quality", participant.id, from, to, resolution],
    queryFn: ({ signal }) => everyStep(participant.id, asked, signal),
    placeholderData: (before) => before,
    refetchInterval,
  });
  const charts = useMemo(() => chart(steps.data ?? [], resolution), [steps.data, resolution]);
  const findings = diagnosis.data?.findings ?? [];
  const show = (span: { from?: string; to?: string }) =>
    void navigate({
      to: "/participants/$participantId/quality",
      params: { participantId: participant.id },
      search: span,
    });
  const onChoose = (first: number, last: number) =>
    show({ from: new Date(first * 1000).toISOString(), to: new Date(last * 1000).toISOString() });
  const drawn = (data: ChartData[]) =>
    data.map((each) => (
      <Drawn key={each.id} times={charts.times} data={each} findings={findings} onChoose={onChoose} />
    ));
  return (
    <div className="screen wide">
      <p className="trail">
        <Link to="/sessions/$sessionId/timeline" params={{ sessionId: participant.session_id }}>
          Timeline of the session
        </Link>
      </p>
      <header className="heading">
        <h1>Quality of {nameOf(participant, participant.id)}</h1>
        <div className="actions">
          {(from || to) && (
            <button type="button" className="button" onClick={() => show({})}>
              Whole stay
            </button>
          )}
          <ZoneChoice />
        </div>
      </header>
      <Verdict diagnosis={diagnosis.data} error={diagnosis.error} onShow={show} />
      <Facts participant={participant} steps={steps.data ?? []} />
      <Fault error={steps.error} />
      {steps.data?.length === 0 && (
        <p className="empty">
          Nothing was measured yet. The first figures come ten seconds after somebody joined; they are kept
          for as long as the setting --quality-retention says.
        </p>
      )}
      {charts.times.length > 0 && (
        <>
          <p className="muted small">
            Steps of {lasting(resolution * 1000)} from {moments.exact((charts.times[0] ?? 0) * 1000)} on. Drag
            over a chart to look closer; letters mark the evidence of the findings.
          </p>
          <div className="ways">
            <section className="stack" aria-labelledby="publish">
              <h2 id="publish">Publishes</h2>
              {drawn(charts.publish)}
            </section>
            <section className="stack" aria-labelledby="receive">
              <h2 id="receive">Receives</h2>
              {drawn(charts.receive)}
            </section>
          </div>
        </>
      )}
      <Curl call={call} />
      <Curl call={qualityCall(participant.id, asked)} />
    </div>
  );
}

/** How long steps are drawn: it does not change each time that somebody who is present is looked at. */
function useResolution({ joined_at: joined, left_at: left }: Stay, from?: string, to?: string): number {
  const until = to ?? left;
  const end = until ? Date.parse(until) : Date.now();
  return resolutionFor(end - Date.parse(from ?? joined));
}

function Drawn({
  times,
  data,
  findings,
  onChoose,
}: {
  times: number[];
  data: ChartData;
  findings: Finding[];
  onChoose: (from: number, to: number) => void;
}) {
  const evidence = useMemo(
    () =>
      findings
        .filter(({ code }) => data.shows.includes(code))
        .flatMap((finding): Evidence[] =>
          finding.spans.map((span) => ({
            letter: letterOf(findings, finding),
            from: Date.parse(span.from) / 1000,
            to: Date.parse(span.until) / 1000,
          })),
        ),
    [findings, data.shows],
  );
  return <QualityChart times={times} data={data} evidence={evidence} onChoose={onChoose} />;
}

const sides: Record<string, string> = {
  none: "Nobody's side",
  participant_network: "In the participant's network",
  participant_device: "In the participant's device",
  other_participant: "On another participant's side",
  unknown: "On whose side is not known",
};

function Verdict({
  diagnosis,
  error,
  onShow,
}: {
  diagnosis: Diagnosis | undefined;
  error: unknown;
  onShow: (span: { from: string; to: string }) => void;
}) {
  const moments = useMoments();
  if (!diagnosis) return error ? <Fault error={error} /> : <p className="empty">Looking at the figures…</p>;
  const { findings } = diagnosis;
  return (
    <section className="card verdict" aria-label="What went wrong" data-side={diagnosis.side}>
      <p className="sentence">{diagnosis.sentence}</p>
      {findings.length > 0 && (
        <ol className="findings">
          {findings.map((finding) => {
            const [first, last] = [finding.spans[0], finding.spans.at(-1)];
            return (
              <li key={`${finding.code} ${finding.publisher_id}`}>
                <span className="letter" aria-hidden>
                  {letterOf(findings, finding)}
                </span>
                <span>
                  {finding.text}{" "}
                  <span className="muted small where">
                    {sides[finding.side] ?? finding.side}
                    {first && `, first seen at ${moments.clock(new Date(first.from))}`}
                  </span>
                </span>
                {finding.publisher_id && (
                  <Link
                    className="small"
                    to="/participants/$participantId/quality"
                    params={{ participantId: finding.publisher_id }}
                  >
                    Look at the publisher
                  </Link>
                )}
                {first && last && (
                  <button
                    type="button"
                    className="link"
                    onClick={() => onShow(around(first.from, last.until, diagnosis.resolution_secs))}
                  >
                    Look closer
                  </button>
                )}
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}

/** A span with some time before and after it. */
function around(from: string, to: string, resolution: number): { from: string; to: string } {
  const margin = 6 * resolution * 1000;
  return {
    from: new Date(Date.parse(from) - margin).toISOString(),
    to: new Date(Date.parse(to) + margin).toISOString(),
  };
}

function Facts({ participant, steps }: { participant: Stay; steps: Parameters<typeof pathsOf>[0] }) {
  const moments = useMoments();
  const client = steps.findLast((step) => step.client.name || step.client.user_agent)?.client;
  const taken = pathsOf(steps);
  const left = participant.left_at ? new Date(participant.left_at) : null;
  const facts: [string, React.ReactNode][] = [
    ["Id", <Id key="id" id={participant.id} />],
    ["Joined", moments.exact(new Date(participant.joined_at))],
    ["Left", left ? `${moments.exact(left)}, ${reasonOf(participant.left_reason ?? "")}` : "Still in"],
    ["Browser and system", client?.user_agent ? browserOf(client.user_agent) : "Not known"],
    ["SDK", client?.name ? `${client.name} ${client.version}` : "Not known"],
    [
      "Path of media",
      taken.length === 0
        ? "Not known"
        : taken
            .map(({ path, from }, i) => (i === 0 ? path : `${path} from ${moments.clock(from)}`))
            .join(", "),
    ],
  ];
  return (
    <dl className="facts card">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd title={name === "Browser and system" ? client?.user_agent : undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
