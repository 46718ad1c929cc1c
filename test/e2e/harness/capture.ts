import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Colour, Person } from "./people.js";
import { findProgram, places } from "./places.js";

const run = promisify(execFile);

/** What a browser plays in a loop in place of a camera and a microphone. */
export interface Capture {
  video: string;
  audio: string;
}

/** The capture files of a person; made unless they are there. */
export async function captureOf(person: Person): Promise<Capture> {
  return { video: await made("mjpeg", filmOf(person)), audio: await made("wav", toneOf(person)) };
}

/** Two colours side by side, and a band of noise: a picture that stands still leaves the bandwidth estimate too low for the top layer. */
function filmOf({ width, height, left, right }: Person): string[] {
  const still = (colour: string, w: number, h: number) => `color=c=${colour}:s=${w}x${h}:r=25:d=1`;
  return [
    ...["-f", "lavfi", "-i", still(hex(left), width, height)],
    ...["-f", "lavfi", "-i", still(hex(right), width / 2, height)],
    ...["-f", "lavfi", "-i", `${still("gray", width, height / 3)},noise=alls=80:allf=t:all_seed=7`],
    "-filter_complex",
    "[0][1]overlay=x=W/2:y=0[halves];[halves][2]overlay=x=0:y=(H-h)/2,format=yuvj420p",
    ...["-c:v", "mjpeg", "-q:v", "4", "-f", "mjpeg"],
  ];
}

/** One second holds a whole number of waves, so that the loop has no seam. */
function toneOf({ pitch, phrase }: Person): string[] {
  const silence = phrase ? `,apad=pad_dur=${phrase}` : "";
  return [
    ...["-f", "lavfi", "-i", `sine=frequency=${pitch}:sample_rate=48000:duration=${phrase ?? 1}`],
    ...["-af", `volume=12dB${silence}`, "-ac", "1", "-c:a", "pcm_s16le", "-f", "wav"],
  ];
}

async function made(ending: string, recipe: string[]): Promise<string> {
  const name = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
  const path = join(places.cache, `${name}.${ending}`);
  if (existsSync(path)) return path;
  await mkdir(places.cache, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await run(findProgram("ffmpeg"), ["-hide_banner", "-nostdin", "-y", "-v", "error", ...recipe, unfinished]);
  await rename(unfinished, path);
  return path;
}

function hex(colour: Colour): string {
  return `0x${colour.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
