import { browserPid, signalTree, treeOf } from "../harness/browsers.js";
import type { Participant } from "../harness/participant.js";
import { ada, bo } from "../harness/people.js";
import type { Rotunda } from "../harness/rotunda.js";
import { expect, test } from "../harness/test.js";

interface Call {
  roomId: string;
  goer: Participant;
  stayer: Participant;
}

async function callOf(server: Rotunda, goer: Participant, stayer: Participant): Promise<Call> {
  const room = await server.rest.createRoom();
  await goer.enter(server, room.id);
  await stayer.enter(server, room.id);
  await Promise.all([stayer.subscribe(goer), goer.subscribe(stayer)]);
  await Promise.all([stayer.sees(goer), goer.sees(stayer)]);
  return { roomId: room.id, goer, stayer };
}

/** Waits for the departure and checks what is left of whoever went; returns how long it took from `since`, in milliseconds. */
async function departure(
  { goer, stayer }: Call,
  since: number,
  reasons: string[],
  server: Rotunda,
): Promise<number> {
  const left = await stayer.tells("participant_left", goer.id);
  const [notice] = stayer.notices("participant_left");
  expect(notice).toMatchObject({ participant_id: goer.id });
  expect(reasons).toContain(notice?.reason);
  const state = await stayer.state();
  expect(Object.keys(state.contexts)).toEqual([stayer.id]);
  expect(Object.keys(state.streams)).toEqual([`${stayer.id}/self`]);
  expect(state.subscriptions).toEqual([]);
  const record = async () => (await server.rest.participant(goer.id)).left_reason;
  await expect.poll(record).toBe(notice?.reason);
  const { left_at } = await server.rest.participant(goer.id);
  expect(Math.abs(Date.parse(left_at ?? "") - left.at)).toBeLessThan(1_000);
  expect(await server.rest.participant(stayer.id)).toMatchObject({ left_at: null, left_reason: null });
  return left.at - since;
}

test("a closed tab is noticed within 2 s", async ({ server, arrive }) => {
  const call = await callOf(server, await arrive(ada), await arrive(bo));
  const since = Date.now();
  await call.goer.closeTab();
  expect(await departure(call, since, ["left"], server)).toBeLessThan(2_000);
});

test("a page that is navigated away from is noticed within 2 s", async ({ server, arrive }) => {
  const call = await callOf(server, await arrive(ada), await arrive(bo));
  const since = Date.now();
  await call.goer.page.goto("about:blank");
  expect(await departure(call, since, ["left"], server)).toBeLessThan(2_000);
});

test("a killed browser is noticed within 2 s, and gone when the grace is over", async ({
  server,
  arrive,
  browsers,
}) => {
  const call = await callOf(server, await arrive(ada), await arrive(bo));
  const browser = await browsers.of(ada);
  const tree = treeOf(await browserPid(browser));
  const gone = new Promise((resolve) => browser.once("disconnected", resolve));
  const since = Date.now();
  signalTree(tree, "SIGKILL");
  await gone;
  const lost = await call.stayer.tells("participant_connection_changed", call.goer.id, false);
  expect(lost.at - since).toBeLessThan(2_000);
  expect(await departure(call, since, ["connection_lost"], server)).toBeGreaterThan(14_000);
});

test("a dead network is noticed within 10 s, and forgiven", async ({ server, arrive, browsers }) => {
  const call = await callOf(server, await arrive(ada), await arrive(bo));
  const tree = treeOf(await browserPid(await browsers.of(ada)));
  const since = Date.now();
  // Nothing is sent or answered any more, and nothing is closed.
  signalTree(tree, "SIGSTOP");
  try {
    const lost = await call.stayer.tells("participant_connection_changed", call.goer.id, false);
    expect(lost.at - since).toBeLessThan(10_000);
  } finally {
    signalTree(tree, "SIGCONT");
  }
  await call.stayer.tells("participant_connection_changed", call.goer.id, true);
  expect((await call.goer.tells("reconnected")).args).toEqual([{ resumed: true }]);
  await Promise.all([call.stayer.sees(call.goer), call.goer.sees(call.stayer)]);
  expect(call.stayer.notices("participant_left")).toEqual([]);
});
