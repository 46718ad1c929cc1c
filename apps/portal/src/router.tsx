import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { sessionQuery } from "./api/session";
import { AuditScreen } from "./screens/AuditScreen";
import { KeysScreen } from "./screens/KeysScreen";
import { MembersScreen } from "./screens/MembersScreen";
import { OverviewScreen } from "./screens/OverviewScreen";
import { PasswordScreen } from "./screens/PasswordScreen";
import { RoomScreen } from "./screens/RoomScreen";
import { RoomsScreen } from "./screens/RoomsScreen";
import { SetupScreen } from "./screens/SetupScreen";
import { SignInScreen } from "./screens/SignInScreen";
import { StartScreen } from "./screens/StartScreen";
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

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  component: SignInScreen,
  validateSearch: (search: Record<string, unknown>): { to?: string } => ({ to: text(search.to) }),
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

const tree = root.addChildren([
  signIn,
  setup,
  password,
  inside.addChildren([overview, start, rooms, room, keys, members, audit]),
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
