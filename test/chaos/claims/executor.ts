/**
 * The executor of the model: takes model time, can be frozen and stopped, offers what it has done so far
 * as checkpoints, and ends with a change or a failure. The tree of a commit says how far the work has
 * come, so that it can be seen what a later attempt goes on from.
 */
import { sleep, standing } from '../../../src/util/index.ts'
import type { TasksWork, WorkOutcome } from '../../../src/tasks/needs.ts'
import type { Process } from './scheduler.ts'
import { branchPrefix } from './server.ts'
import type { Execution, Machine, World } from './world.ts'

/** The latest time after the end of a permit at which a guard acts, ms. */
const guardMs = 2_000
/** For the last checkpoint of work that is stopped, ms. */
const lastMs = 10_000

const treeOf = (progressMs: number) => `at ${Math.floor(progressMs)}`
/** How far the work in a commit has come, ms; 0 where none was begun or it was finished. */
export const progressOf = (tree: string) => Number(/^at (\d+)$/.exec(tree)?.[1] ?? 0)

export function workOf(world: World, machine: Machine, process: Process): TasksWork {
  const { random, server, network, scheduler } = world
  return {
    freezes: true,
    readPolicy: async () => ({ requiredLabels: [] }),
    choose: () => ({ executor: 'model' }),
    run: (order, _, { signal, permit, onCheckpoint, checkpointMs = 0, peers }) =>
      new Promise<WorkOutcome>((resolve) => {
        const issue = order.issue.number
        const { attempt, source } = order
        const { clock } = process
        const time = standing(clock, permit)
        const start = source.resume ?? source.base
        const from = progressOf(server.commits.get(start)!.tree)
        const began = time.monotonic()
        const progress = () => from + time.monotonic() - began
        world.started.push({ issue, attempt, from, kept: keptOf(world, issue), at: scheduler.now })
        let execution: Execution | undefined
        const run = () => {
          execution = { issue, attempt, by: machine.name, from: scheduler.now, to: Infinity }
          world.executions.push(execution)
        }
        const halt = () => {
          if (execution?.to === Infinity) execution.to = scheduler.now
        }
        let cancelGuard = () => {}
        // Stops the executor of an agent that is itself stopped; see `src/process/guard.ts`.
        const guard = () => {
          cancelGuard()
          const left = (permit.until - process.clock.monotonic()) / machine.rate
          cancelGuard = scheduler.after(left + guardMs, () => {
            if (process.frozen === 'stopped') halt()
          })
        }
        guard()
        const unwatch = permit.watch(() => {
          guard()
          if (permit.frozen) halt()
          else if (execution === undefined || execution.to < Infinity) {
            if (execution !== undefined) world.resumed += 1
            run()
          }
        })
        const soFar = () => {
          const at = progress()
          const head = server.commit('work so far', start, treeOf(at))
          const size = { files: 1, bytes: 1, notes: [], digest: `${at} ms`, used: usedAt(at) }
          return { gitDir: 'work', head, ...size }
        }
        let ended = false
        let offering: Promise<unknown> = Promise.resolve()
        const offer = async (why: 'timer' | 'stop', during: AbortSignal) => {
          if (permit.frozen) return
          const kept = await onCheckpoint?.({ ...soFar(), why }, during)
          if (kept === 'kept') world.checkpoints += 1
        }
        const ending = new AbortController()
        let cancelTimer = () => {}
        const arm = () => {
          if (checkpointMs === 0 || onCheckpoint === undefined) return
          cancelTimer = time.after(checkpointMs, () => {
            offering = offer('timer', ending.signal).finally(() => {
              if (!ended) arm()
            })
          })
        }
        const end = async (outcome: object, last: boolean) => {
          if (ended) return
          ended = true
          halt()
          unwatch()
          cancelGuard()
          cancelTimer()
          cancelAsking()
          cancel()
          signal.removeEventListener('abort', stop)
          ending.abort()
          await offering
          if (last) {
            const late = new AbortController()
            await Promise.race([
              offer('stop', late.signal),
              sleep(lastMs, { clock }).then(() => late.abort()),
            ])
          }
          const common = { checks: [], executor: 'model', durationMs: 1 }
          const dispose = async () => undefined
          resolve({ ...common, ...outcome, dispose } as unknown as WorkOutcome)
        }
        const failed = (code: string) => ({ outcome: 'failed', code, reason: code, tried: [] })
        const stop = () => void end(failed('ABORTED'), true)
        const long = !network.calm && random.chance(world.init.longWork)
        if (!permit.frozen) run()
        arm()
        const lasts = Math.max(500, random.between(500, long ? 400_000 : 60_000) - from)
        const asks = world.init.handing?.asks ?? 0
        const asksPeers = peers !== undefined && !network.calm && random.chance(asks)
        // Half of them while they work, half when they come to nothing.
        const asksEarly = asksPeers && random.chance(0.5)
        const ask = () =>
          void peers?.ask({ question: '?', want: ['takeover'], tried: [] }, signal).catch(() => {})
        const cancelAsking = asksEarly ? time.after(random.between(0, lasts), ask) : () => undefined
        const cancel = time.after(lasts, () => {
          if (asksPeers && !asksEarly) return void end({ ...failed('STUCK'), left: soFar() }, false)
          const luck = random.next()
          if (luck < 0.08) return void end(failed('CHECKS_FAILED'), false)
          if (luck < 0.14 && !network.calm) return void end(failed('WORKSPACE'), true)
          const tree = `done ${world.made.size}`
          world.made.set(tree, { by: machine.name, issue, attempt })
          const head = server.commit('work', source.onto ?? start, tree)
          void end({ outcome: 'changed', gitDir: 'work', head, files: [], summary: '' }, false)
        })
        if (signal.aborted) return stop()
        signal.addEventListener('abort', stop, { once: true })
      }),
  }
}

const usedAt = (at: number) => ({ wallMs: at, turns: 1 })

/** What the work branch holds at this moment, as progress. */
export function keptOf({ server }: World, issue: number): number {
  const tip = server.ref(`refs/heads/${branchPrefix}${issue}`)
  return tip === undefined ? 0 : progressOf(server.commits.get(tip)!.tree)
}
