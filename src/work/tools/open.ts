/** The tools of a run from its beginning to its end: shown, served to the executor, taken away, settled. */
import { explain } from '../../util/index.ts'
import type { RunComponents, RunInit } from '../run-types.ts'
import { createDoor, type DoorInit } from './door.ts'
import type { OpenedTools, TaskTools } from './types.ts'

export interface RunTools {
  /** Absent: nobody can be asked. */
  door?: TaskTools
  /** What the executor's place holds of them. */
  place: { tools?: Pick<OpenedTools, 'socket' | 'token'> }
  /** What was asked and answered counts as used when the work is `good`. */
  over(good: boolean): Promise<void>
  /** The work has ended: nothing more is asked, and what is under way is withdrawn. */
  hide(): void
  close(): Promise<void>
}

const none: RunTools = {
  place: {},
  over: () => Promise.resolve(),
  hide: () => undefined,
  close: () => Promise.resolve(),
}

/** Without anybody to ask there are none; where they cannot be served, the executor works without. */
export async function openTools(
  init: RunInit,
  { git, settings, logger, shelf, toolServer }: RunComponents,
  has: Pick<DoorInit, 'tried' | 'used' | 'look'>,
): Promise<RunTools> {
  const { peers, order, executor, workspace, limits, signal, permit } = init
  if (peers === undefined) return none
  const left = init.budgetLeft ?? (() => [])
  const isChore = init.instructions.chore !== undefined
  const about = {
    order,
    isChore,
    executor: executor.name,
    place: workspace,
    start: workspace.start,
  }
  const { idleTimeMs } = limits
  const control = { signal, permit }
  const door = createDoor({ ...about, peers, idleTimeMs, control, left, ...has }, { git, settings })
  const unshelve = shelf?.put(door.forPeople)
  const hide = () => {
    unshelve?.()
    door.end()
  }
  const over = (good: boolean) => door.over(good)
  const opened = await toolServer?.open(door, { root: workspace.root }).catch((error: unknown) => {
    logger.warn({ event: 'work.tools', err: explain(error) }, 'an executor gets no tools')
    return undefined
  })
  if (opened === undefined) return { ...none, door, over, hide }
  const { socket, token } = opened
  return { door, place: { tools: { socket, token } }, over, hide, close: () => opened.close() }
}
