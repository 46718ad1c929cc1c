import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import type { CompositionsSearch } from "./api/compositions";
import type { RecordingsSearch } from "./api/media";
import type { PeopleSearch, RefusedSearch, SessionsSearch } from "./api/records";
import { sessionQuery } from "./api/session";
import type { DeliveriesSearch, DeliveryStatus } from "./api/webhooks";
import { AuditScreen } from "./screens/AuditScreen";
import { CompositionScreen } from "./screens/CompositionScreen";
import { CompositionsScreen } from "./screens/CompositionsScreen";
import { KeysScreen } from "./screens/KeysScreen";
import { LiveScreen } from "./screens/live/LiveScreen";
import { MembersScreen } from "./screens/MembersScreen";
import { OidcScreen, OidcWaiting } from "./screens/OidcScreen";
import { OverviewScreen } from "./screens/OverviewScreen";
import { OwnPasswordScreen } from "./screens/OwnPasswordScreen";
import { finishOidc } from "./screens/oidcReturn";
import { PasswordScreen } from "./screens/PasswordScreen";
import { PeopleScreen } from "./screens/PeopleScreen";
import { QualityScreen } from "./screens/quality/QualityScreen";
import { RecordingScreen } from "./screens/RecordingScreen";
import { RecordingsScreen } from "./screens/RecordingsScreen";
import { RefusedScreen } from "./screens/RefusedScreen";
import { RoomScreen } from "./screens/RoomScreen";
import { RoomsScreen } from "./screens/RoomsScreen";
import { SearchScreen } from "./screens/SearchScreen";
import { SessionsScreen } from "./screens/SessionsScreen";
import { SetupScreen } from "./screens/SetupScreen";
import { SignInScreen } from "./screens/SignInScreen";
import { StartScreen } from "./screens/StartScreen";
import { SystemScreen } from "./screens/SystemScreen";
import { TimelineScreen } from "./screens/timeline/TimelineScreen";
import { UsageScreen, type UsageSearch } from "./screens/UsageScreen";
import { WebhookScreen } from "./screens/WebhookScreen";
import { WebhookSettingsScreen } from "./screens/WebhookSettingsScreen";
import { WebhooksScreen } from "./screens/WebhooksScreen";
import { Frame } from "./shell/Frame";
import { Fault } from "./ui/Fault";

interface Context {
  client: QueryClient;
}

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  errorComponent: ({ error }) => (
    <main className="alone">
      <Fault error={error} />
    </main>
  ),
  notFoundComponent: () => (
    <main className="alone">
      <h1>There is no such page</h1>
      <a className="button" href="/portal/">
        To the overview
      </a>
    </main>
  ),
});

/** Everything below it is for members. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Frame,
  beforeLoad: async ({ context, location }) => {
    if (!(await context.client.ensureQueryData(sessionQuery))) {
      throw redirect({ to: "/sign-in", search: { to: location.pathname } });
    }
  },
});

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
const page = (value: unknown) => (Number.isInteger(value) && Number(value) > 1 ? Number(value) : undefined);
const spanned = (search: Record<string, unknown>) => ({
  from: text(search.from),
  until: text(search.until),
  page: page(search.page),
});
/** One of these words. */
const word = <T extends string>(value: unknown, ...words: T[]) => words.find((each) => each === value);

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  component: SignInScreen,
  validateSearch: (search: Record<string, unknown>): { to?: string } => ({ to: text(search.to) }),
});
const oidc = createRoute({
  getParentRoute: () => root,
  path: "/oidc",
  component: OidcScreen,
  pendingComponent: OidcWaiting,
  beforeLoad: async ({ context }) => {
    const { to, refusal } = await finishOidc(context.client);
    if (to) throw redirect({ to, replace: true });
    return { refusal };
  },
});
const setup = createRoute({ getParentRoute: () => root, path: "/setup", component: SetupScreen });
const password = createRoute({ getParentRoute: () => root, path: "/password", component: PasswordScreen });

const overview = createRoute({
  getParentRoute: () => inside,
  path: "/",
  component: OverviewScreen,
  validateSearch: (search: Record<string, unknown>): { span?: string } => ({ span: text(search.span) }),
});
const start = createRoute({ getParentRoute: () => inside, path: "/start", component: StartScreen });

export interface RoomsSearch {
  search?: string;
  page?: number;
}
const rooms = createRoute({
  getParentRoute: () => inside,
  path: "/rooms",
  component: RoomsScreen,
  validateSearch: (search: Record<string, unknown>): RoomsSearch => ({
    search: search.search === undefined ? undefined : text(String(search.search)),
    page: page(search.page),
  }),
});
const room = createRoute({ getParentRoute: () => inside, path: "/rooms/$roomId", component: RoomScreen });
export interface SpanSearch {
  from?: string;
  to?: string;
}
const spanOf = (search: Record<string, unknown>): SpanSearch => ({
  from: text(search.from),
  to: text(search.to),
});
const timeline = createRoute({
  getParentRoute: () => inside,
  path: "/sessions/$sessionId/timeline",
  component: TimelineScreen,
  validateSearch: (search: Record<string, unknown>): SpanSearch & { at?: string } => ({
    ...spanOf(search),
    at: text(search.at),
  }),
});
const quality = createRoute({
  getParentRoute: () => inside,
  path: "/participants/$participantId/quality",
  component: QualityScreen,
  validateSearch: spanOf,
});
const search = createRoute({
  getParentRoute: () => inside,
  path: "/search",
  component: SearchScreen,
  validateSearch: (search: Record<string, unknown>): { text?: string } => ({
    text: search.text === undefined ? undefined : text(String(search.text)),
  }),
});
const sessions = createRoute({
  getParentRoute: () => inside,
  path: "/sessions",
  component: SessionsScreen,
  validateSearch: (search: Record<string, unknown>): SessionsSearch => ({
    state: word(search.state, "live", "over"),
    room: text(search.room),
    ...spanned(search),
  }),
});
const people = createRoute({
  getParentRoute: () => inside,
  path: "/sessions/people",
  component: PeopleScreen,
  validateSearch: (search: Record<string, unknown>): PeopleSearch => ({
    state: word(search.state, "in", "out", "lost"),
    session: text(search.session),
    ...spanned(search),
  }),
});
const refused = createRoute({
  getParentRoute: () => inside,
  path: "/sessions/refused",
  component: RefusedScreen,
  validateSearch: (search: Record<string, unknown>): RefusedSearch => ({
    room: text(search.room),
    session: text(search.session),
    ...spanned(search),
  }),
});
const live = createRoute({
  getParentRoute: () => inside,
  path: "/rooms/$roomId/live",
  component: LiveScreen,
});
const ownPassword = createRoute({
  getParentRoute: () => inside,
  path: "/account/password",
  component: OwnPasswordScreen,
});
const keys = createRoute({ getParentRoute: () => inside, path: "/keys", component: KeysScreen });
const members = createRoute({ getParentRoute: () => inside, path: "/members", component: MembersScreen });
const audit = createRoute({
  getParentRoute: () => inside,
  path: "/audit",
  component: AuditScreen,
  validateSearch: (search: Record<string, unknown>): { action?: string; page?: number } => ({
    action: text(search.action),
    page: page(search.page),
  }),
});

const day = (value: unknown) =>
  typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined;
const usage = createRoute({
  getParentRoute: () => inside,
  path: "/usage",
  component: UsageScreen,
  validateSearch: (search: Record<string, unknown>): UsageSearch => ({
    from: day(search.from),
    to: day(search.to),
    room: text(search.room),
    by: search.by === "day" || search.by === "room_day" ? search.by : undefined,
    page: page(search.page),
  }),
});
const system = createRoute({
  getParentRoute: () => inside,
  path: "/system",
  component: SystemScreen,
  validateSearch: (search: Record<string, unknown>): { search?: string; changed?: boolean } => ({
    search: search.search === undefined ? undefined : text(String(search.search)),
    changed: search.changed === true ? true : undefined,
  }),
});
const statuses: unknown[] = ["pending", "delivered", "failed", "skipped"];
const webhooks = createRoute({
  getParentRoute: () => inside,
  path: "/webhooks",
  component: WebhooksScreen,
  validateSearch: (search: Record<string, unknown>): DeliveriesSearch => ({
    status: statuses.includes(search.status) ? (search.status as DeliveryStatus) : undefined,
    type: text(search.type),
    text: search.text === undefined ? undefined : text(String(search.text)),
    answer: search.answer === undefined ? undefined : text(String(search.answer)),
    ...spanned(search),
  }),
});
const webhookSettings = createRoute({
  getParentRoute: () => inside,
  path: "/webhooks/settings",
  component: WebhookSettingsScreen,
});
const webhook = createRoute({
  getParentRoute: () => inside,
  path: "/webhooks/$deliveryId",
  component: WebhookScreen,
});

const moment = (value: unknown) => (typeof value === "number" && value > 0 ? value : undefined);

const recordings = createRoute({
  getParentRoute: () => inside,
  path: "/recordings",
  component: RecordingsScreen,
  validateSearch: (search: Record<string, unknown>): RecordingsSearch => ({
    room: text(search.room),
    session: text(search.session),
    participant: text(search.participant),
    status: word(search.status, "processing", "completed", "failed"),
    type: word(search.type, "audio", "video"),
    longer: moment(search.longer),
    ...spanned(search),
  }),
});
const recording = createRoute({
  getParentRoute: () => inside,
  path: "/recordings/$recordingId",
  component: RecordingScreen,
});
const playback = createRoute({
  getParentRoute: () => inside,
  path: "/recordings/session/$sessionId",
  component: lazyRouteComponent(() => import("./screens/PlaybackScreen"), "PlaybackScreen"),
  validateSearch: (search: Record<string, unknown>): { at?: number } => ({ at: moment(search.at) }),
});
const compositions = createRoute({
  getParentRoute: () => inside,
  path: "/compositions",
  component: CompositionsScreen,
  validateSearch: (search: Record<string, unknown>): CompositionsSearch => ({
    session: text(search.session),
    status: word(search.status, "enqueued", "processing", "completed", "failed"),
    page: page(search.page),
  }),
});
const composition = createRoute({
  getParentRoute: () => inside,
  path: "/compositions/$compositionId",
  component: CompositionScreen,
});
const composer = createRoute({
  getParentRoute: () => inside,
  path: "/compositions/new",
  component: lazyRouteComponent(() => import("./screens/ComposerScreen"), "ComposerScreen"),
  validateSearch: (search: Record<string, unknown>): { session?: string; from?: string; at?: number } => ({
    session: text(search.session),
    from: text(search.from),
    at: moment(search.at),
  }),
});
const mediaRoutes = [recordings, recording, playback, compositions, composition, composer] as const;

const tree = root.addChildren([
  signIn,
  oidc,
  setup,
  password,
  inside.addChildren([
    overview,
    start,
    rooms,
    room,
    live,
    search,
    sessions,
    people,
    refused,
    timeline,
    quality,
    ...mediaRoutes,
    webhooks,
    webhookSettings,
    webhook,
    usage,
    keys,
    members,
    audit,
    system,
    ownPassword,
  ]),
]);

/** Every view of the portal and its address. */
export function makeRouter(client: QueryClient) {
  return createRouter({ routeTree: tree, basepath: "/portal", context: { client } });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
