import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Devices } from "../devices/capture";
import { arrange } from "../grid/arrange";
import { capacity, layStage, type Rect } from "../grid/layout";
import { useSize } from "../ui/size";
import { useStore } from "../ui/store";
import type { Call, ConversationView } from "./conversation";
import { screenOnStage, type TileSpec, tilesOf } from "./people";
import { type Look, lookFor } from "./subscriber";
import { Tile } from "./Tile";

interface Props {
  call: Call;
  devices: Devices;
}

/** Everybody's tiles, in their places. */
export function Stage({ call, devices }: Props) {
  const view = useStore(call.view);
  const [room, size] = useSize<HTMLUListElement>();
  const [page, setPage] = useState(0);
  const tiles = useMemo(() => (view.state ? tilesOf(view.state) : []), [view.state]);
  const screen = useMemo(() => screenOnStage(tiles, view.screenSince), [tiles, view.screenSince]);
  const places = capacity(size, screen !== null);
  const order = useOrder(tiles, screen, view, places, page > 0);
  const pages = Math.max(1, Math.ceil(order.length / places));
  const shown = Math.min(page, pages - 1);
  const visible = order.slice(shown * places, (shown + 1) * places);
  const layout = layStage(visible.length, size, screen !== null);

  const placed: { tile: TileSpec; rect: Rect; over: boolean }[] = [];
  if (screen && layout.share) placed.push({ tile: screen, rect: layout.share, over: false });
  visible.forEach((tile, at) => {
    const rect = layout.people[at];
    if (rect) placed.push({ tile, rect, over: layout.corner === at });
  });
  useLooks(call, tiles, placed);

  return (
    <div className="stage">
      <ul className="stage-room" ref={room} aria-label="Participants">
        {size.width > 0 &&
          // In the order of their ids, so that React never moves an element and every move is a transition.
          [...placed]
            .sort((a, b) => (a.tile.id < b.tile.id ? -1 : 1))
            .map(({ tile, rect, over }) => (
              <Tile
                key={tile.id}
                tile={tile}
                rect={rect}
                over={over}
                speaking={tile.kind === "person" && view.speaking.has(tile.participantId)}
                devices={devices}
                screen={tile.local && tile.kind === "screen" ? view.screen : null}
                attach={call.attach}
                onUnshare={() => void call.unshare()}
              />
            ))}
      </ul>
      {pages > 1 && <Pages page={shown} pages={pages} onPage={setPage} />}
    </div>
  );
}

function useOrder(
  tiles: readonly TileSpec[],
  screen: TileSpec | null,
  view: ConversationView,
  places: number,
  frozen: boolean,
): TileSpec[] {
  const before = useRef<string[]>([]);
  const order = useMemo(() => {
    const rest = tiles.filter((tile) => tile !== screen);
    const active = new Map(rest.map((tile) => [tile.id, view.activeAt.get(tile.participantId) ?? 0]));
    const pinned = new Set(rest.filter((tile) => tile.local).map((tile) => tile.id));
    const byId = new Map(rest.map((tile) => [tile.id, tile]));
    return arrange(before.current, [...byId.keys()], active, { pageSize: places, pinned, frozen }).flatMap(
      (id) => byId.get(id) ?? [],
    );
  }, [tiles, screen, view.activeAt, places, frozen]);
  useEffect(() => {
    before.current = order.map((tile) => tile.id);
  }, [order]);
  return order;
}

/** Tells the call what is looked at and how large, once things have stood still for a moment. */
function useLooks(
  call: Call,
  tiles: readonly TileSpec[],
  placed: readonly { tile: TileSpec; rect: Rect }[],
): void {
  const looks = new Map<string, Look>();
  for (const { stream, local } of tiles) if (stream && !local) looks.set(stream.id, "hidden");
  for (const { tile, rect } of placed) {
    if (!tile.stream || tile.local) continue;
    looks.set(
      tile.stream.id,
      tile.kind === "screen" ? "high" : lookFor(rect.height, window.devicePixelRatio),
    );
  }
  const word = [...looks].join();
  const latest = useRef(looks);
  useEffect(() => {
    latest.current = looks;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `word` stands for the looks
  useEffect(() => {
    const timer = setTimeout(() => call.look(latest.current), 150);
    return () => clearTimeout(timer);
  }, [call, word]);
}

interface PagesProps {
  page: number;
  pages: number;
  onPage: (page: number) => void;
}

function Pages({ page, pages, onPage }: PagesProps) {
  return (
    <nav className="pages" aria-label="Pages of participants">
      <button
        type="button"
        className="page-button"
        aria-label="Previous page"
        disabled={page === 0}
        onClick={() => onPage(page - 1)}
      >
        <IconChevronLeft size={20} aria-hidden="true" />
      </button>
      <span className="figures" aria-live="polite">
        {page + 1} of {pages}
      </span>
      <button
        type="button"
        className="page-button"
        aria-label="Next page"
        disabled={page === pages - 1}
        onClick={() => onPage(page + 1)}
      >
        <IconChevronRight size={20} aria-hidden="true" />
      </button>
    </nav>
  );
}
