/**
 * In which order test files start. Files that run several real agents keep the processors busy, most
 * others wait; so at most two of the former run at once, beside the others, and the longest come first,
 * so that the end does not wait for one of them. Files that share their process (`isolate: false`) come
 * last, together.
 *
 * Vitest starts files in the order of a list as workers become free. The list is that of the starts in
 * a run that goes as expected.
 */
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

export interface Planned {
  /** From the root, with slashes. */
  path: string
  /** What it is expected to take. */
  seconds: number
  /** Runs several real agents. */
  crowded: boolean
  /** Shares its process with others. */
  shared: boolean
}

/** Crowded files at once. */
const MAX_CROWDS = 2
/** For a file that has no number below, s. */
const USUAL_SECONDS = 2
const CROWDED = /^test\/(?:e2e|canary)\/|^test\/process\/cli-demo\./

/** Of files that take 5 s and more, on two processors beside others, s. Order matters, not the number. */
const SECONDS: Readonly<Record<string, number>> = {
  'test/e2e/agents.test.ts': 130,
  'test/e2e/demo.test.ts': 120,
  'test/e2e/membership.test.ts': 90,
  'test/e2e/bad-input.test.ts': 80,
  'test/e2e/chaos-processes.test.ts': 75,
  'test/e2e/chaos-checkpoints.test.ts': 69,
  'test/compliance/feedback.test.ts': 65,
  'test/canary/canary.test.ts': 63,
  'test/compliance/few-calls.test.ts': 55,
  'test/process/cli-demo.test.ts': 50,
  'test/e2e/github-app.test.ts': 44,
  'test/process/sandbox.test.ts': 42,
  'test/mesh/mesh-presence.test.ts': 42,
  'test/process/cli-membership.test.ts': 40,
  'test/process/cli-doctor.test.ts': 40,
  'test/mesh/journal-replication.test.ts': 38,
  'test/process/work-acp-actor.test.ts': 36,
  'test/compliance/intake-forge.test.ts': 35,
  'test/process/cli-up.test.ts': 34,
  'test/process/cli-executor.test.ts': 33,
  'test/process/cli-client.test.ts': 32,
  'test/e2e/chat.test.ts': 30,
  'test/compliance/drafts.test.ts': 28,
  'test/compliance/claims.test.ts': 28,
  'test/process/examples.test.ts': 28,
  'test/mesh/mesh-streams.test.ts': 28,
  'test/compliance/doctor-live.test.ts': 28,
  'test/process/work-acp.test.ts': 27,
  'test/process/work-checks.test.ts': 21,
  'test/process/work-run.test.ts': 20,
  'test/process/work-checkpoint.test.ts': 20,
  'test/process/work-chat.test.ts': 19,
  'test/compliance/executor.test.ts': 19,
  'test/breakout/breakout.test.ts': 18,
  'test/compliance/flow-checkpoint.test.ts': 16,
  'test/e2e/dry-run.test.ts': 15,
  'test/process/cli-forge.test.ts': 14,
  'test/mesh/mesh-members.test.ts': 14,
  'test/mesh/mesh-discovery.test.ts': 14,
  'test/conformance/forge.test.ts': 13,
  'test/mesh/mesh-strangers.test.ts': 11,
  'test/process/journal-kill.test.ts': 11,
  'test/process/process-owner.test.ts': 11,
  'test/mesh/mesh-reach.test.ts': 11,
  'test/mesh/mesh-heal.test.ts': 10,
  'test/process/process-freeze.test.ts': 10,
  'test/mesh/mesh-lifecycle.test.ts': 9,
  'test/process/work-leaving.test.ts': 9,
  'test/compliance/flow-recover.test.ts': 7,
  'test/process/work-setback.test.ts': 7,
  'test/process/cli-bundle.test.ts': 7,
  'test/process/cli-config.test.ts': 6,
  'test/compliance/flow-recover-table.test.ts': 6,
  'test/compliance/flow-setback.test.ts': 5,
  'test/unit/tasks/claims-mutants.test.ts': 21,
  'test/house.test.ts': 17,
  'test/unit/tasks/claims-model.test.ts': 15,
  'test/unit/journal/witness.test.ts': 11,
  'test/unit/journal/replication.test.ts': 10,
  'test/unit/forge/pulls.test.ts': 9,
  'test/unit/work/detect.test.ts': 5,
  'test/unit/forge/refs.test.ts': 5,
}

export function planned(path: string, shared: boolean): Planned {
  return { path, shared, seconds: SECONDS[path] ?? USUAL_SECONDS, crowded: CROWDED.test(path) }
}

/** As they start where `workers` take one after the other. Pure; does not depend on the order given. */
export function inOrder<T extends Planned>(files: readonly T[], workers: number): T[] {
  const sorted = files.toSorted(
    (a, b) =>
      Number(a.shared) - Number(b.shared) || b.seconds - a.seconds || (a.path < b.path ? -1 : 1),
  )
  const crowds = sorted.filter(({ crowded }) => crowded)
  const others = sorted.filter(({ crowded }) => !crowded)
  const lanes = Array.from({ length: Math.max(1, workers) }, () => ({ free: 0, crowded: false }))
  const order: T[] = []
  while (order.length < files.length) {
    const lane = lanes.reduce((first, one) => (one.free < first.free ? one : first))
    const running = lanes.filter((one) => one.crowded && one.free > lane.free).length
    const queue =
      (running < MAX_CROWDS || others.length === 0) && crowds.length > 0 ? crowds : others
    const next = queue.shift()
    if (next === undefined) break
    lane.free += next.seconds
    lane.crowded = next.crowded
    order.push(next)
  }
  return order
}

export class Order extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root, maxWorkers } = this.ctx.config
    const all = files.map((file) => {
      const path = relative(root, file.moduleId).replaceAll('\\', '/')
      return { ...planned(path, !file.project.config.isolate), file }
    })
    return inOrder(all, maxWorkers).map(({ file }) => file)
  }
}
