/**
 * The order of tiles, kept stable: who was there keeps the place, who is new goes last. Only when there is more than one
 * page does activity count: someone on a later page who spoke more recently than the quietest on the first takes that one's
 * place, and nobody else moves.
 *
 * `pinned` tiles (one's own) never give up their place. `frozen` holds everybody where they are, while a later page is looked at.
 */
export function arrange(
  before: readonly string[],
  present: readonly string[],
  activeAt: ReadonlyMap<string, number>,
  options: { pageSize: number; pinned?: ReadonlySet<string>; frozen?: boolean },
): string[] {
  const here = new Set(present);
  const known = new Set(before);
  const order = [...before.filter((id) => here.has(id)), ...present.filter((id) => !known.has(id))];
  if (order.length <= options.pageSize || options.frozen) return order;

  const last = (id: string) => activeAt.get(id) ?? Number.NEGATIVE_INFINITY;
  const waiting = order.slice(options.pageSize).sort((a, b) => last(b) - last(a));
  for (const id of waiting) {
    const quietest = quietestOf(order.slice(0, options.pageSize), last, options.pinned);
    if (quietest === undefined || last(id) <= last(quietest)) break;
    swap(order, order.indexOf(id), order.indexOf(quietest));
  }
  return order;
}

function quietestOf(
  ids: readonly string[],
  last: (id: string) => number,
  pinned?: ReadonlySet<string>,
): string | undefined {
  let quietest: string | undefined;
  for (const id of ids) {
    if (pinned?.has(id)) continue;
    if (quietest === undefined || last(id) <= last(quietest)) quietest = id;
  }
  return quietest;
}

function swap(order: string[], a: number, b: number): void {
  const kept = order[a] as string;
  order[a] = order[b] as string;
  order[b] = kept;
}
