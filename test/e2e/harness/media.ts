import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Colour } from "./people.js";
import { findProgram } from "./places.js";

const run = promisify(execFile);
const maxBuffer = 1 << 30;

export interface Probed {
  codec: string;
  /** Of the file, in seconds. */
  duration: number;
  /** When each packet is shown, in seconds. */
  times: number[];
}

/** What ffprobe says of a file with one track. */
export async function probe(file: string): Promise<Probed> {
  const { stdout } = await run(
    findProgram("ffprobe"),
    [
      ...["-v", "error", "-of", "json", "-show_entries"],
      "stream=codec_name:format=duration:packet=pts_time",
      file,
    ],
    { maxBuffer },
  );
  const found = JSON.parse(stdout) as {
    streams: { codec_name: string }[];
    packets: { pts_time: string }[];
    format: { duration: string };
  };
  if (found.streams.length !== 1) throw new Error(`${file} has ${found.streams.length} tracks`);
  return {
    codec: found.streams[0]?.codec_name ?? "",
    duration: Number(found.format.duration),
    times: found.packets.map(({ pts_time }) => Number(pts_time)),
  };
}

/** The size of each picture of a video. */
export async function sizes(file: string): Promise<{ width: number; height: number }[]> {
  const { stdout } = await run(
    findProgram("ffprobe"),
    ["-v", "error", "-of", "json", "-show_entries", "frame=width,height", file],
    { maxBuffer },
  );
  return (JSON.parse(stdout) as { frames: { width: number; height: number }[] }).frames;
}

const grid = { width: 64, height: 36 };

/** A picture: its colour at a place, 0 to 1 from the left and from the top. */
export type Shot = (x: number, y: number) => Colour;

/** What a video shows, so many times a second. What ffmpeg complains about is an error. */
export async function shots(file: string, perSecond: number): Promise<Shot[]> {
  const { stdout, stderr } = await run(
    findProgram("ffmpeg"),
    [
      ...["-hide_banner", "-nostdin", "-v", "warning", "-i", file],
      ...["-vf", `fps=${perSecond}:start_time=0:round=down,scale=${grid.width}:${grid.height}:flags=area`],
      ...["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"],
    ],
    { maxBuffer, encoding: "buffer" },
  );
  if (stderr.length > 0) throw new Error(`${file} does not decode: ${stderr}`);
  const size = grid.width * grid.height * 3;
  return Array.from({ length: Math.floor(stdout.length / size) }, (_, n) => (x: number, y: number) => {
    const at = n * size + (Math.floor(y * grid.height) * grid.width + Math.floor(x * grid.width)) * 3;
    return [stdout[at] ?? 0, stdout[at + 1] ?? 0, stdout[at + 2] ?? 0];
  });
}

const rate = 48_000;

/** The sound of a file as samples from -1 to 1, with silence where there is none. */
export async function sound(file: string): Promise<Float32Array> {
  const { stdout } = await run(
    findProgram("ffmpeg"),
    [
      ...["-hide_banner", "-nostdin", "-v", "error", "-i", file],
      ...[
        "-af",
        "aresample=48000:async=1:first_pts=0",
        "-ac",
        "1",
        "-ar",
        String(rate),
        "-f",
        "f32le",
        "pipe:1",
      ],
    ],
    { maxBuffer, encoding: "buffer" },
  );
  return new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.byteLength));
}

/** How strong a pitch is in a part of a sound, in decibels below full scale. */
export function level(samples: Float32Array, pitch: number, from: number, to: number): number {
  const part = samples.subarray(Math.round(from * rate), Math.round(to * rate));
  let re = 0;
  let im = 0;
  part.forEach((sample, at) => {
    const angle = (2 * Math.PI * pitch * at) / rate;
    re += sample * Math.cos(angle);
    im -= sample * Math.sin(angle);
  });
  return 20 * Math.log10((2 * Math.hypot(re, im)) / Math.max(part.length, 1) + 1e-9);
}

/** When something begins that is there for some time and then is not: the moments, in seconds, of steps from false to true. */
export function beginnings(there: boolean[], perSecond: number): number[] {
  return there.flatMap((is, at) => (is && at > 0 && !there[at - 1] ? [at / perSecond] : []));
}
