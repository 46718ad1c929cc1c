import type { Order } from "../api/types";
import type { Frames } from "./frames";
import type { Cell } from "./grid";
import type { Placement } from "./lay";
import type { FrameSize } from "./order";

/** What is where nothing else is, as in the file that is made. */
const bare = "#101418";
/** Cells that are smaller have no label. */
const labelled = { w: 80, h: 48 };

/** Paints a moment as the composition will have it. */
export function paint(
  context: CanvasRenderingContext2D,
  frame: FrameSize,
  placements: Placement[],
  frames: Frames,
  { fit, labels }: Order["layout"],
): void {
  context.fillStyle = bare;
  context.fillRect(0, 0, frame.width, frame.height);
  for (const { part, cell } of placements) {
    context.fillStyle = bare;
    context.fillRect(cell.x, cell.y, cell.w, cell.h);
    const picture = frames.of(part);
    if (picture) drawFitted(context, picture, cell, fit);
    else write(context, frames.isBroken(part) ? "cannot be shown here" : "…", cell);
    if (labels && cell.w >= labelled.w && cell.h >= labelled.h) {
      label(context, part.name, cell, Math.min(Math.max(Math.floor(frame.height / 36), 12), 24));
    }
  }
}

function drawFitted(
  context: CanvasRenderingContext2D,
  picture: HTMLVideoElement,
  cell: Cell,
  fit: Order["layout"]["fit"],
): void {
  const { videoWidth: w, videoHeight: h } = picture;
  if (w === 0 || h === 0) return;
  const [across, down] = [cell.w / w, cell.h / h];
  const scale = fit === "crop" ? Math.max(across, down) : Math.min(across, down);
  context.save();
  context.beginPath();
  context.rect(cell.x, cell.y, cell.w, cell.h);
  context.clip();
  context.drawImage(
    picture,
    cell.x + (cell.w - w * scale) / 2,
    cell.y + (cell.h - h * scale) / 2,
    w * scale,
    h * scale,
  );
  context.restore();
}

function label(context: CanvasRenderingContext2D, name: string, cell: Cell, size: number): void {
  const margin = 8;
  context.font = `${size}px sans-serif`;
  const most = cell.w - 4 * margin;
  const width = Math.min(context.measureText(name).width, most);
  context.fillStyle = "rgb(0 0 0 / 0.5)";
  const top = cell.y + cell.h - margin - size - margin / 2;
  context.fillRect(cell.x + margin - margin / 2, top - margin / 2, width + margin, size + margin);
  context.fillStyle = "#ffffff";
  context.textAlign = "left";
  context.textBaseline = "top";
  context.fillText(name, cell.x + margin, top, most);
}

function write(context: CanvasRenderingContext2D, text: string, cell: Cell): void {
  context.font = "14px sans-serif";
  context.fillStyle = "#9aa3ad";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, cell.x + cell.w / 2, cell.y + cell.h / 2, cell.w);
}
