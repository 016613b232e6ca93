/** The children of one agent: starts them, records them, ends them all with the agent. */
import { randomBytes } from 'node:crypto'
import {
  CommonError,
  explain,
  systemClock,
  throwIfAborted,
  type Clock,
  type Logger,
} from '../util/index.ts'
import { startChild } from './child.ts'
import type { Child } from './child-context.ts'
import { canFreeze } from './freeze.ts'
import { createLease } from './lease.ts'
import { bootId, MARK, processRow } from './proc-fs.ts'
import type { ContainerInit } from './sandbox/container/backend.ts'
import { createSandbox } from './sandbox/sandbox.ts'
import { createWatching } from './sandbox/use/watch.ts'
import { ownerLives, reapOwners } from './sweep.ts'
import { processTable } from './table.ts'
import type { Guest, Processes, SandboxChoice, SandboxState, SpawnRequest } from './types.ts'

/** Between TERM and KILL for what an earlier run left, ms. */
const SWEEP_GRACE_MS = 1_000

export interface ProcessesInit {
  /** Of this agent alone; the table is in `processes/` below it. */
  stateDir: string
  logger: Logger
  clock?: Clock
  /** Which sandbox children with a `sandbox` run in. Default `auto`. */
  sandbox?: SandboxChoice
  /** For `container`. */
  container?: ContainerInit
}

export function createProcesses({
  stateDir,
  logger,
  clock = systemClock,
  sandbox: choice = 'auto',
  container,
}: ProcessesInit): Processes {
  const owner = randomBytes(8).toString('hex')
  const boot = bootId()
  const ownStart = processRow(process.pid)?.start ?? ''
  const outerMark = process.env[MARK] ?? ''
  const table = processTable(stateDir)
  const lease = createLease({ stateDir, owner })
  const children = new Map<string, Child>()
  const watching = createWatching({ logger })
  const sandbox = createSandbox({
    stateDir,
    choice,
    container,
    logger,
    path: process.env['PATH'] ?? '',
    run: (request, launcher) => start(request, false, launcher).exit,
  })
  let count = 0
  let stopping: Promise<void> | undefined

  function start(
    request: SpawnRequest,
    open: boolean,
    launcher = sandbox.launcher(request),
  ): Child {
    if (stopping !== undefined) {
      throw new CommonError('ABORTED', 'No child is started any more: the agent is stopping.')
    }
    throwIfAborted(request.signal)
    count += 1
    const id = `${owner}.${count}`
    const purpose = request.purpose.slice(0, 1_024)
    const leased = request.lease !== false
    if (leased) lease.hold()
    const child = startChild(request, {
      id,
      outerMark,
      guardMark: `${outerMark}/${owner}.0`,
      clock,
      logger,
      watching,
      open,
      ...(launcher === 'refused' ? { refusal: refusalOf(sandbox.state()) } : {}),
      ...(typeof launcher === 'object' ? { launcher } : {}),
      onStarted(pid) {
        if (!leased) return
        record(id, pid, purpose)
      },
      onGone(clean) {
        children.delete(id)
        if (leased && clean) table.remove(id)
      },
    })
    if (child.pid !== 0) children.set(id, child)
    return child
  }

  /** A table that cannot be written stops no work: the lease and the mark hold without it. */
  function record(id: string, pid: number, purpose: string): void {
    const start = processRow(pid)?.start ?? ''
    const startedAt = clock.now()
    try {
      const by = { id: owner, pid: process.pid, start: ownStart }
      table.write({ id, pid, start, boot, owner: by, purpose, startedAt })
    } catch (error) {
      logger.warn({ pid, error: explain(error) }, 'the process table cannot be written')
    }
  }

  async function stopAll(): Promise<void> {
    await Promise.all([...children.values()].map((child) => child.stop('the agent stops')))
    await watching.stop()
    await lease.release()
  }

  return {
    freezes: canFreeze,
    prepare: () => sandbox.prepare(),
    sandbox: () => sandbox.state(),
    async run(request) {
      if (request.sandbox !== undefined) await sandbox.prepare()
      return start(request, false).exit
    },
    spawn: (request): Guest => start(request, true),
    list: () =>
      [...children.values()].map(({ pid, purpose, startedAt }) => ({ pid, purpose, startedAt })),
    async sweep() {
      const { records, dropped } = table.read()
      if (dropped > 0) logger.warn({ dropped }, 'unreadable process records were dropped')
      const dead = records.filter((record) => record.owner.id !== owner && !ownerLives(record))
      const owners = [...new Set(dead.map((record) => record.owner.id))]
      const ended = await reapOwners({ table, records: dead, owners, graceMs: SWEEP_GRACE_MS })
      const containers = await sandbox.sweep()
      const all = ended + containers
      if (all > 0) logger.info({ ended, containers }, 'ended what an earlier run left behind')
      return all
    },
    stop() {
      stopping ??= stopAll()
      return stopping
    },
  }
}

const refusalOf = ({ why, next }: SandboxState) =>
  `Nothing is run without a sandbox. ${why}${next === undefined ? '' : ` ${next}`}`
