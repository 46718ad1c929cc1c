import { defineConfig } from "vitest/config";

// Vitest's report of failures asks for this, which Node 20 lacks.
Map.groupBy ??= <K, T>(items: Iterable<T>, keyOf: (item: T, index: number) => K) => {
  const groups = new Map<K, T[]>();
  let index = 0;
  for (const item of items) {
    const key = keyOf(item, index++);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
};

// One server serves all files, one after the other; the SDK is large, so it is loaded once.
export default defineConfig({
  test: {
    include: ["node/**/*.test.ts"],
    fileParallelism: false,
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
