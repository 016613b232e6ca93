import { defineConfig } from 'vitest/config'
import { Order } from './test/order.ts'

/**
 * One project per kind of test. Most of a test's time is waiting for real peers, children and servers,
 * so four files run at once on the two cores that they may count on; deadlines leave room for that.
 * Unit tests share a process per worker: they load the same modules, which would take more than they do.
 * Workers have an agent's space for new objects, since a fork copies the tables of all pages.
 */
const project = (name: string, testTimeout: number) => ({
  test: {
    name,
    include:
      name === 'unit'
        ? ['test/unit/**/*.test.ts', 'test/*.test.ts']
        : [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    pool: 'forks' as const,
    isolate: name !== 'unit',
    execArgv: ['--max-semi-space-size=4'],
    setupFiles: ['test/setup.ts'],
  },
})

export default defineConfig({
  test: {
    maxWorkers: 4,
    sequence: { sequencer: Order },
    projects: [
      project('unit', 60_000),
      project('compliance', 120_000),
      project('conformance', 120_000),
      project('mesh', 120_000),
      project('process', 120_000),
      project('breakout', 120_000),
      project('canary', 400_000),
      project('e2e', 240_000),
    ],
  },
})
