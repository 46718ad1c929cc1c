import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { given, site, telnyx, variable } from "./environment.js";
import { Queue } from "./queue.js";

/** A line that the participant program prints; see participant/main.go. */
export interface Fact {
  event: "joined" | "published" | "notice" | "refused" | "closed";
  session_id?: string;
  participant_id?: string;
  stream_id?: string;
  code?: string | number;
  reason?: string;
  notice?: { type: string; [field: string]: unknown };
}

export interface JoinOptions {
  /** Made for the room if absent. */
  token?: string;
  context?: string;
  /** Publishes a stream of silence. */
  audio?: boolean;
}

/** Someone in a room, over the native websocket. */
export class Participant {
  readonly facts = new Queue<Fact>("what a participant saw");
  id = "";
  session = "";

  private constructor(private readonly process: ChildProcess) {}

  /** Goes into the room; fails if the server refuses. */
  static async join(room: string, options: JoinOptions = {}): Promise<Participant> {
    const someone = await Participant.try(room, options);
    const fact = await someone.facts.next((f) => f.event === "joined" || f.event === "refused");
    if (fact.event === "refused") throw new Error(`join was refused: ${fact.code}`);
    someone.id = given(fact.participant_id);
    someone.session = given(fact.session_id);
    if (options.audio) await someone.facts.next((f) => f.event === "published");
    return someone;
  }

  /** Knocks at the room; what comes of it is in the facts. */
  static async try(room: string, options: JoinOptions = {}): Promise<Participant> {
    const token = options.token ?? (await tokenFor(room));
    const args = ["-url", site, "-context", options.context ?? ""];
    if (options.audio) args.push("-audio");
    const child = spawn(variable("CONFORMANCE_PARTICIPANT"), args, {
      env: { ...process.env, PARTICIPANT_TOKEN: token },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const someone = new Participant(child);
    createInterface({ input: child.stdout }).on("line", (line) => someone.facts.push(JSON.parse(line)));
    return someone;
  }

  /** Leaves as a client does that says so. */
  async leave(): Promise<Fact> {
    this.process.stdin?.end();
    return this.closed();
  }

  /** How the connection ended. */
  closed(): Promise<Fact> {
    return this.facts.next((f) => f.event === "closed");
  }

  /** The next notice of this type. */
  notice(type: string): Promise<Fact> {
    return this.facts.next((f) => f.notice?.type === type);
  }
}

export async function tokenFor(room: string): Promise<string> {
  const answer = await telnyx.rooms.actions.generateJoinClientToken(room, {});
  return given(answer.data?.token);
}
