/** Runs one schedule: ten minutes of model time in which things go wrong, then calm until all is settled. */
import { explain } from '../../../src/util/index.ts'
import { startAgent } from './agent.ts'
import { pending, unanswered, violationsOf } from './checks.ts'
import { dyingAtMoves } from './help.ts'
import { maxLateMs } from './network.ts'
import {
  chaosMs,
  isTampered,
  isUntimely,
  keepsWrites,
  type Action,
  type Schedule,
} from './schedule.ts'
import { failedLabel, refPrefix, trigger } from './server.ts'
import { createWorld, foreign, type Machine, type RunningAgent, type World } from './world.ts'

export type Start = (world: World, machine: Machine) => Promise<RunningAgent>

export interface Result {
  violations: string[]
  events: number
  world: World
}

const systemTimeout = AbortSignal.timeout.bind(AbortSignal)

/** Longest calm, ms: pauses after hand-backs double up to an hour. */
const maxCalmMs = 5 * 60 * 60_000

export async function runSchedule(schedule: Schedule, start: Start = startAgent): Promise<Result> {
  const world = createWorld(schedule, {
    untimely: isUntimely(schedule),
    tampered: isTampered(schedule),
    keepsWrites: keepsWrites(schedule),
  })
  const { scheduler, network, machines, server } = world
  const { random: chance } = Math
  const { stackTraceLimit } = Error
  const onRejection = (reason: unknown) =>
    world.violations.push(`unhandled rejection: ${explain(reason)}`)
  process.on('unhandledRejection', onRejection)
  // Jitter is drawn there: it belongs to the schedule.
  Math.random = () => world.random.next()
  // Handing back after an error bounds itself so, in the time of the system.
  AbortSignal.timeout = (ms) => {
    const late = new AbortController()
    scheduler.after(ms, () => late.abort(new Error('timeout')))
    return late.signal
  }
  // Thousands of lost answers are thousands of errors, whose stacks nobody reads.
  Error.stackTraceLimit = 0
  try {
    const launch = (machine: Machine) => {
      if (machine.left) return
      void start(world, machine).then((agent) => (machine.agent = agent))
    }
    world.crash = (machine) => {
      if (machine.agent !== undefined) end(world, machine, machine.agent)
      scheduler.after(world.random.between(1_000, 250_000), () => launch(machine))
    }
    dyingAtMoves(world)
    for (const machine of machines)
      scheduler.after(world.random.between(0, 20_000), () => {
        if (machine.incarnations === 0) launch(machine)
      })
    for (const { at, action } of schedule.actions)
      scheduler.after(at, () => act(world, action, launch))
    await scheduler.run(chaosMs)
    network.calm = true
    for (const machine of machines) {
      machine.cutUntil = 0
      machine.agent?.process.thaw()
    }
    await scheduler.run(chaosMs + maxLateMs + 60_000)
    for (const machine of machines) if (machine.agent === undefined) launch(machine)
    const settled = () =>
      machines.every(({ left, agent }) => left || agent?.idle() === true) &&
      [...server.issues.keys()].every(
        (issue) => !pending(world, issue) && !unanswered(world, issue),
      )
    await scheduler.run(scheduler.now + maxCalmMs, settled)
    for (const { agent } of machines) agent?.process.kill()
    return { violations: await violationsOf(world), events: scheduler.events, world }
  } finally {
    Math.random = chance
    AbortSignal.timeout = systemTimeout
    Error.stackTraceLimit = stackTraceLimit
    process.off('unhandledRejection', onRejection)
  }
}

function act(world: World, action: Action, launch: (machine: Machine) => void): void {
  const { scheduler, machines } = world
  if ('issue' in action) return person(world, action)
  if (action.is === 'outage') {
    for (const machine of machines)
      machine.cutUntil = Math.max(machine.cutUntil, scheduler.now + action.forMs)
    return
  }
  const machine = machines[action.agent % machines.length]!
  if (action.is === 'cut') {
    machine.cutUntil = Math.max(machine.cutUntil, scheduler.now + action.forMs)
    return
  }
  const { agent } = machine
  if (action.is === 'leave') {
    if (machines.filter(({ left }) => !left).length === 1) return
    machine.left = true
    if (agent !== undefined) end(world, machine, agent)
    return
  }
  if (agent === undefined) return
  const { process } = agent
  switch (action.is) {
    case 'freeze':
    case 'sleep':
      process.freeze(action.is === 'freeze' ? 'stopped' : 'asleep')
      scheduler.after(action.forMs, () => process.thaw())
      return
    case 'kill':
      end(world, machine, agent)
      scheduler.after(action.forMs, () => launch(machine))
      return
    case 'stop': {
      // A second stop of the same process does nothing.
      void agent.stop()
      scheduler.after(Math.max(action.forMs, 30_000), () => {
        if (machine.agent !== agent) return
        end(world, machine, agent)
        launch(machine)
      })
    }
  }
}

/** The process is gone, and its executors with it. */
function end(world: World, machine: Machine, { process }: RunningAgent): void {
  process.kill()
  world.listeners.delete(process)
  machine.agent = undefined
  for (const execution of world.executions)
    if (execution.by === machine.name && execution.to === Infinity)
      execution.to = world.scheduler.now
}

function person(world: World, action: Extract<Action, { issue: number }>): void {
  const { server, scheduler } = world
  const { issue } = action
  if (!server.issues.has(issue)) return
  if (!('forMs' in action)) return tamper(world, action)
  const { forMs } = action
  const undo = (run: () => void) => {
    if (forMs > 0) scheduler.after(forMs, run)
  }
  switch (action.is) {
    case 'assign':
      server.assign(issue, 'person')
      return undo(() => server.unassign(issue, 'person', 'person'))
    case 'close':
      server.change(issue, () => ({ open: false }))
      return undo(() => server.change(issue, () => ({ open: true })))
    case 'unlabel':
      server.unlabel(issue, trigger)
      return undo(() => server.label(issue, trigger))
    case 'review':
      if (server.pullOf(issue) !== undefined) return server.review(issue)
      // There is nothing to look at yet.
      if (scheduler.now < chaosMs) scheduler.after(30_000, () => person(world, action))
      return
    case 'merge':
    case 'reject':
      return server.endPull(issue, action.is === 'merge')
    case 'retry':
      return server.unlabel(issue, failedLabel)
    case 'dismiss':
      for (const login of server.issue(issue).assignees) server.unassign(issue, login, 'person')
  }
}

function tamper({ server, random }: World, { is, issue }: { is: string; issue: number }): void {
  const ref = `${refPrefix}${issue}`
  const records = (server.refs.get(ref) ?? []).flatMap(({ after }) => after ?? [])
  if (records.length === 0) return
  const earlier = records[Math.floor(random.between(0, records.length))]!
  const next = { delete: null, rewind: earlier, overwrite: server.commit(foreign, null) }
  server.forceRef('somebody', ref, next[is as keyof typeof next])
}
