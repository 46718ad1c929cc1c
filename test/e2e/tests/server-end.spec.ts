import { ada, bo } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

test("a server that stops says so, and forgets nothing", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const everyone = [await arrive(ada), await arrive(bo)] as const;
  for (const one of everyone) await one.enter(server, room.id, { reconnect: false });
  await everyone[0].subscribe(everyone[1]);
  await everyone[0].sees(everyone[1]);
  const { active_session_id: session } = await server.rest.room(room.id);

  const exit = await server.stop();
  expect(exit).toMatchObject({ code: 0, signal: null });
  expect(exit.milliseconds).toBeLessThan(5_000);
  for (const one of everyone) {
    await one.tells("disconnected", "network_error");
    expect(await one.ask((rig) => rig.closes)).toEqual([4003]);
  }

  await server.restart();
  expect(await server.rest.session(session as string)).toMatchObject({
    active: false,
    ended_reason: "server_shutdown",
  });
  for (const one of everyone) {
    expect(await server.rest.participant(one.id)).toMatchObject({ left_reason: "server_shutdown" });
    await one.enter(server, room.id);
  }
  await everyone[0].subscribe(everyone[1]);
  await everyone[0].sees(everyone[1]);
});

test("a server that crashes leaves nobody waiting", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const everyone = [await arrive(ada), await arrive(bo)] as const;
  for (const one of everyone) await one.enter(server, room.id, { reconnect: false });
  const { active_session_id: session } = await server.rest.room(room.id);

  const since = Date.now();
  await server.kill();
  for (const one of everyone) {
    const { at } = await one.tells("disconnected", "network_error");
    expect(at - since).toBeLessThan(10_000);
  }

  await server.restart();
  expect((await server.rest.room(room.id)).active_session_id).toBeUndefined();
  expect(await server.rest.session(session as string)).toMatchObject({
    active: false,
    ended_reason: "server_crashed",
  });
  for (const one of everyone) {
    expect(await server.rest.participant(one.id)).toMatchObject({ left_reason: "server_crashed" });
  }
});
