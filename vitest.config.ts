import { defineConfig } from 'vitest/config'

/**
 * One project per kind of test. Unit tests run in parallel workers; the others start real peers,
 * children and servers, so they run one file at a time: two cores are all they may count on.
 */
const project = (name: string, testTimeout: number, parallel: boolean) => ({
  test: {
    name,
    include:
      name === 'unit'
        ? ['test/unit/**/*.test.ts', 'test/*.test.ts']
        : [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    fileParallelism: parallel,
    pool: 'forks' as const,
  },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', 20_000, true),
      project('compliance', 60_000, false),
      project('conformance', 60_000, false),
      project('mesh', 60_000, false),
      project('process', 60_000, false),
      project('e2e', 240_000, false),
    ],
  },
})
