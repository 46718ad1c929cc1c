import { beforeEach, describe, expect, it } from "vitest";
import { Ensemble, type Player } from "./Ensemble";
import type { Part } from "./score";

let now = 0;

/** A media element whose clock runs at its own pace. */
class Tape implements Player {
  readyState = 4;
  paused = true;
  seeking = false;
  error = null;
  seeks = 0;
  #time = 0;
  #since = 0;
  #rate = 1;

  constructor(
    readonly duration: number,
    private readonly pace = 1,
  ) {}

  get playbackRate() {
    return this.#rate;
  }

  set playbackRate(rate: number) {
    this.#turn(() => {
      this.#rate = rate;
    });
  }

  get ended() {
    return this.currentTime >= this.duration;
  }

  get currentTime() {
    const run = this.paused ? 0 : ((now - this.#since) / 1000) * this.#rate * this.pace;
    return Math.min(this.#time + run, this.duration);
  }

  set currentTime(time: number) {
    this.seeks++;
    this.#time = time;
    this.#since = now;
  }

  /** Changes what the pace depends on, from now on. */
  #turn(change: () => void) {
    this.#time = this.currentTime;
    this.#since = now;
    change();
  }

  async play() {
    this.#turn(() => {
      this.paused = false;
    });
  }

  pause() {
    this.#turn(() => {
      this.paused = true;
    });
  }
}

const part = (from: number, until: number): Part => ({
  id: `${from}`,
  name: "",
  type: "audio",
  screen: false,
  from,
  until,
  off: [],
  address: "",
  lane: "",
});

describe("an ensemble", () => {
  let ensemble: Ensemble;
  const run = (seconds: number) => {
    for (let i = 0; i < seconds * 20; i++) {
      now += 50;
      ensemble.tick();
    }
  };
  beforeEach(() => {
    now = 1_000;
    ensemble = new Ensemble(
      20,
      0,
      () => now,
      () => undefined,
    );
  });

  it("begins each recording when its time comes, and ends by itself", () => {
    const [first, second] = [new Tape(10), new Tape(15)];
    ensemble.add(part(0, 10), first);
    ensemble.add(part(5, 20), second);
    ensemble.play();
    run(4);
    expect([first.paused, second.paused]).toEqual([false, true]);
    run(4);
    expect(first.currentTime).toBeCloseTo(8, 1);
    expect(second.currentTime).toBeCloseTo(3, 1);
    run(4);
    expect([first.paused, second.paused]).toEqual([true, false]);
    run(10);
    expect([ensemble.at, ensemble.playing, second.paused]).toEqual([20, false, true]);
  });

  it("holds a player that runs slow to the clock without a jump", () => {
    const slow = new Tape(20, 0.97);
    ensemble.add(part(0, 20), slow);
    ensemble.play();
    const before = slow.seeks;
    run(15);
    expect(Math.abs(slow.currentTime - ensemble.at)).toBeLessThan(0.1);
    expect(slow.seeks).toBe(before);
  });

  it("seeks all together, while it stands and while it plays", () => {
    const [first, second] = [new Tape(10), new Tape(15)];
    ensemble.add(part(0, 10), first);
    ensemble.add(part(5, 20), second);
    ensemble.seek(7);
    expect([first.currentTime, second.currentTime, first.paused]).toEqual([7, 2, true]);
    ensemble.play();
    run(1);
    ensemble.seek(5.5);
    expect([first.currentTime, second.currentTime, first.paused]).toEqual([5.5, 0.5, false]);
    ensemble.seek(99);
    expect(ensemble.at).toBe(20);
  });

  it("waits while one that is due has nothing to play", () => {
    const [first, second] = [new Tape(20), new Tape(20)];
    ensemble.add(part(0, 20), first);
    ensemble.add(part(0, 20), second);
    ensemble.play();
    run(2);
    second.readyState = 2;
    run(3);
    expect(ensemble.waiting).toBe(true);
    expect(ensemble.at).toBeCloseTo(2, 0);
    expect(first.paused).toBe(true);
    second.readyState = 4;
    run(1);
    expect(ensemble.waiting).toBe(false);
    expect(first.currentTime).toBeCloseTo(ensemble.at, 1);
  });

  it("does not wait for one that cannot be played, or ended early", () => {
    const [broken, short] = [new Tape(20), new Tape(1)];
    Object.assign(broken, { error: new Error("no such codec"), readyState: 0 });
    ensemble.add(part(0, 20), broken);
    ensemble.add(part(0, 20), short);
    ensemble.play();
    run(5);
    expect(ensemble.at).toBeCloseTo(5, 1);
  });

  it("keeps in step at another speed", () => {
    const tape = new Tape(20);
    ensemble.add(part(0, 20), tape);
    ensemble.play();
    run(1);
    ensemble.speed(2);
    run(4);
    expect(ensemble.at).toBeCloseTo(9, 1);
    expect(Math.abs(tape.currentTime - ensemble.at)).toBeLessThan(0.1);
  });

  it("passes a player over what it has nothing of, and stands it ready behind that", () => {
    const [gapped, whole] = [new Tape(20), new Tape(20)];
    ensemble.add({ ...part(2, 20), off: [{ from: 6, until: 10 }] }, gapped);
    ensemble.add(part(0, 20), whole);
    ensemble.play();
    run(7);
    expect([gapped.paused, gapped.currentTime, whole.paused]).toEqual([true, 8, false]);
    const before = gapped.seeks;
    run(5);
    expect(gapped.paused).toBe(false);
    expect(Math.abs(gapped.currentTime + 2 - ensemble.at)).toBeLessThan(0.1);
    expect(gapped.seeks).toBe(before);
    ensemble.seek(8);
    expect([gapped.paused, gapped.currentTime]).toEqual([true, 8]);
  });

  it("stands where it is told to begin, within its length", () => {
    const tape = new Tape(10);
    new Ensemble(
      20,
      7,
      () => now,
      () => undefined,
    ).add(part(5, 15), tape);
    expect(tape.currentTime).toBe(2);
    expect(
      new Ensemble(
        20,
        99,
        () => now,
        () => undefined,
      ).at,
    ).toBe(20);
  });

  it("begins anew when it is played at its end", () => {
    ensemble.seek(20);
    ensemble.play();
    expect(ensemble.at).toBe(0);
  });
});
