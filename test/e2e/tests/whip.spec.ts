import { ada } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

// The page is of another origin than the server, as the pages of others are: every header it reads has to be exposed.
test("a page publishes by WHIP and watches by WHEP, and both restart ICE", async ({
  server,
  site,
  contextOf,
}) => {
  const room = await server.rest.createRoom();
  const { token } = await server.rest.tokens(room.id);
  const page = await (await contextOf(ada)).newPage();
  await page.goto(site.url);
  const result = await page.evaluate(
    async ({ url, token }) => {
      const authorization = `Bearer ${token}`;
      const until = async (what: string, holds: () => Promise<boolean>) => {
        const end = performance.now() + 20_000;
        while (!(await holds())) {
          if (performance.now() > end) throw new Error(`not in time: ${what}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      const attribute = (sdp: string, name: string) =>
        new RegExp(`^a=${name}:(.*)$`, "m").exec(sdp)?.[1]?.trim() ?? "";

      class Session {
        readonly pc = new RTCPeerConnection();
        #location = "";
        #tag = "";
        #answer = "";

        async #offer(): Promise<string> {
          await this.pc.setLocalDescription();
          await until("candidates are gathered", async () => this.pc.iceGatheringState === "complete");
          return this.pc.localDescription?.sdp ?? "";
        }

        async #take(sdp: string): Promise<void> {
          this.#answer = sdp;
          await this.pc.setRemoteDescription({ type: "answer", sdp });
        }

        async #ask(method: string, headers: Record<string, string> = {}, body?: string): Promise<Response> {
          const answer = await fetch(this.#location, {
            method,
            headers: { authorization, ...headers },
            body,
          });
          if (!answer.ok) throw new Error(`${method}: ${answer.status} ${await answer.text()}`);
          this.#tag = answer.headers.get("etag") ?? this.#tag;
          return answer;
        }

        async begin(endpoint: string): Promise<void> {
          this.#location = endpoint;
          const answer = await this.#ask("POST", { "content-type": "application/sdp" }, await this.#offer());
          this.#location = new URL(answer.headers.get("location") ?? "", endpoint).href;
          await this.#take(await answer.text());
        }

        /** Restarts ICE, and returns the entity tags before and after. */
        async restart(): Promise<string[]> {
          const before = this.#tag;
          this.pc.restartIce();
          const offer = await this.#offer();
          const fragment = (sdp: string) =>
            sdp
              .split("\r\n")
              .filter((line) => /^(m=|a=(mid|ice-ufrag|ice-pwd|candidate):)/.test(line))
              .join("\r\n");
          const headers = { "content-type": "application/trickle-ice-sdpfrag", "if-match": "*" };
          const own = await (await this.#ask("PATCH", headers, fragment(offer))).text();
          const renewed = ["ice-ufrag", "ice-pwd"].reduce(
            (sdp, name) =>
              sdp.replace(new RegExp(`^a=${name}:.*$`, "gm"), `a=${name}:${attribute(own, name)}`),
            this.#answer,
          );
          await this.#take(renewed);
          await until("ICE is up with the new credentials", async () => {
            for (const report of (await this.pc.getStats()).values()) {
              if (report.type === "transport" && report.iceState === "connected") {
                return report.iceLocalUsernameFragment === attribute(offer, "ice-ufrag");
              }
            }
            return false;
          });
          return [before, this.#tag];
        }

        async end(): Promise<number> {
          return (await this.#ask("DELETE")).status;
        }
      }

      const publisher = new Session();
      for (const track of (
        await navigator.mediaDevices.getUserMedia({ audio: true, video: true })
      ).getTracks()) {
        publisher.pc.addTransceiver(track, { direction: "sendonly" });
      }
      await publisher.begin(`${url}/whip/camera`);
      const viewer = new Session();
      viewer.pc.addTransceiver("audio", { direction: "recvonly" });
      viewer.pc.addTransceiver("video", { direction: "recvonly" });
      const screen = document.body.appendChild(document.createElement("video")); // without one, nobody would listen
      screen.autoplay = true;
      screen.srcObject = new MediaStream(viewer.pc.getReceivers().map(({ track }) => track));
      await viewer.begin(`${url}/whep/camera`);
      const received = async () => {
        let [frames, energy] = [0, 0];
        for (const report of (await viewer.pc.getStats()).values()) {
          if (report.type !== "inbound-rtp") continue;
          if (report.kind === "video") frames = report.framesDecoded;
          else energy = report.totalAudioEnergy;
        }
        return { frames, energy };
      };
      const more = async () => {
        const before = await received();
        await until("picture and sound go on", async () => {
          const now = await received();
          return now.frames > before.frames + 5 && now.energy > before.energy;
        });
      };
      await more();
      const tags = await publisher.restart();
      await more();
      tags.push(...(await viewer.restart()));
      await more();
      return { tags, ends: [await viewer.end(), await publisher.end()] };
    },
    { url: `${server.url}/rooms/${room.id}`, token },
  );
  expect(new Set(result.tags).size, "each ICE session has a tag of its own").toBe(4);
  expect(result.ends).toEqual([200, 200]);
});
