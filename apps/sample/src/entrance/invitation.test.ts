import { expect, it } from "vitest";
import { readInvitation } from "./invitation";

const room = "0191f4e2-8c5b-7a51-b6d3-0123456789ab";

it.each([
  ["", { kind: "none" }],
  ["#", { kind: "none" }],
  ["#something", { kind: "none" }],
  ["#demo=s3cret", { kind: "demo", secret: "s3cret" }],
  [`#room=${room}&token=a.b.c`, { kind: "room", roomId: room, token: "a.b.c", refreshToken: null }],
  [
    `#room=${room.toUpperCase()}&token=t&refresh=r`,
    { kind: "room", roomId: room, token: "t", refreshToken: "r" },
  ],
])("reads %j", (fragment, invitation) => {
  expect(readInvitation(fragment)).toEqual(invitation);
});

it.each([`#room=${room}`, "#token=t", "#room=nonsense&token=t"])("says what %j lacks", (fragment) => {
  expect(readInvitation(fragment).kind).toBe("broken");
});
