/**
 * Takes checkpoints of work that runs: on a timer when something changed, soon after a freeze, and once
 * more when the work was stopped before it was finished.
 *
 *   working ──► the files as they lie there: collected again each time
 *   settled ──► the files as the turn left them, not what checks make of them since
 *   over    ──► none; `last` takes the last one
 *
 * The executor is not disturbed: files that vanish while they are read are looked for again, and what
 * cannot be collected now is collected the next time. Nothing here makes the work fail.
 */
import type { Git } from '../../process/index.ts'
import {
  explain,
  repeat,
  sleep,
  standing,
  whileAllowed,
  withDeadline,
  type Clock,
  type Logger,
  type Permit,
  type Repeating,
} from '../../util/index.ts'
import { oneLine } from '../clean.ts'
import { collect, type CollectInit } from '../collect.ts'
import { WorkError } from '../errors.ts'
import type { RunOptions } from '../types.ts'
import type { Kept, Left } from '../terms.ts'
import type { Notes } from './notes.ts'

export const CHECKPOINT_MS = 120_000
/** For the last one, ms. */
const LAST_MS = 10_000
/** For one that is under way when the work ends, ms. */
const ENDING_MS = 5_000
/** Tries when files vanish while they are read, and the pause between them, ms. */
const TRIES = 4
const PAUSE_MS = 150
const MAX_NOTES = 20
/** Pause after one that failed, in intervals; it doubles up to this. */
const MAX_BACK_OFF = 8

export interface Keeper {
  start(): Promise<void>
  /** The executor works again. */
  working(): void
  /** Its turn has ended, and this is what it left. */
  settled(head: string, gitDir: string): void
  /** No further one; resolves when none is under way. */
  stop(): Promise<void>
  /** The work as it stands, as far as it may leave; undefined where that is nothing. Keeps nothing. */
  look(signal: AbortSignal): Promise<Left | undefined>
  /** Once more, after `stop`, when nothing works any more; within 10 s. */
  last(): Promise<void>
}

export interface KeeperInit {
  collecting: Omit<CollectInit, 'now' | 'checkpoint' | 'reuse'>
  notes: Notes
  /** What was tried so far; grows. */
  tried: readonly string[]
  permit: Permit
  /** Absent: nothing is kept, and it can only be looked at. */
  onCheckpoint?: RunOptions['onCheckpoint']
  /** 0: only the last one. */
  everyMs: number
}

interface Gathered {
  gitDir: string
  head: string
  tree: string
  files: number
  bytes: number
  notes: string[]
}

export function createKeeper(
  init: KeeperInit,
  { git, clock, logger }: { git: Git; clock: Clock; logger: Logger },
): Keeper {
  const { collecting, notes, tried, permit, onCheckpoint, everyMs } = init
  const { scanner, order, workspace } = collecting
  const time = standing(clock, permit)
  const began = time.monotonic()
  /** Git directory of the checkpoints of this run: its index knows which files have not changed. */
  const own: { gitDir: string | undefined } = { gitDir: undefined }
  let settled: { head: string; gitDir: string } | undefined
  let kept: string | undefined
  let over = false
  let ending = new AbortController()
  let timer: Repeating | undefined
  let unwatch: () => void = () => undefined

  const about = (gitDir: string) => (args: string[], signal: AbortSignal) =>
    git(args, { cwd: gitDir, signal, env: { GIT_DIR: gitDir } })

  async function gather(signal: AbortSignal): Promise<Gathered | undefined> {
    const at = settled
    const found = at === undefined ? await collected(signal) : { ...at, notes: [] }
    if (found === undefined) return undefined
    const run = about(found.gitDir)
    const treeOf = async (commit: string) =>
      (await run(['rev-parse', `${commit}^{tree}`], signal)).trim()
    const tree = await treeOf(found.head)
    kept ??= await treeOf(workspace.start)
    const changed = await run(['diff-tree', '-r', '-z', '--raw', workspace.from, tree], signal)
    const ids = changed
      .split('\0')
      .flatMap((line) => /^:\d+ \d+ \w+ (\w+) [AMT]/.exec(line)?.[1] ?? [])
    const sizes =
      ids.length === 0
        ? ''
        : await git(['cat-file', '--batch-check=%(objectsize)'], {
            cwd: found.gitDir,
            signal,
            env: { GIT_DIR: found.gitDir },
            input: `${ids.join('\n')}\n`,
          })
    const bytes = sizes.split('\n').reduce((sum, size) => sum + (Number(size) || 0), 0)
    const files = changed.split('\0').filter((line) => line.startsWith(':')).length
    return { ...found, tree, files, bytes }
  }

  /** Undefined: there is nothing to keep, or what there is may not leave as a whole. */
  async function collected(signal: AbortSignal) {
    for (let turn = 1; ; turn += 1) {
      try {
        const work = await collect(
          { ...collecting, reuse: own, now: clock.now(), checkpoint: true },
          git,
          signal,
        )
        const { head, gitDir } = work
        return { head, gitDir, notes: work.notes }
      } catch (error) {
        if (error instanceof WorkError && error.code === 'NO_CHANGE') return undefined
        // A lock may have been left in it.
        own.gitDir = undefined
        const fleeting = error instanceof WorkError && error.code === 'WORKSPACE'
        if (!fleeting || turn === TRIES) throw error
        await sleep(PAUSE_MS, { signal, clock })
      }
    }
  }

  async function told(found: Gathered, signal: AbortSignal): Promise<Left> {
    const wallMs = Math.round(time.monotonic() - began)
    const left = found.notes.slice(0, MAX_NOTES).map((note) => oneLine(note, 300))
    const text = notes.digest({ tried, wallMs, left })
    const digest = scanner === undefined ? text : await scanner.mask(text, signal)
    const { gitDir, head, files, bytes } = found
    return { gitDir, head, files, bytes, notes: left, digest, used: notes.used(wallMs) }
  }

  async function take(why: 'timer' | 'stop', signal: AbortSignal): Promise<Kept | 'same'> {
    const found = await gather(signal)
    if (onCheckpoint === undefined || found === undefined || found.tree === kept) return 'same'
    const answer = await onCheckpoint({ ...(await told(found, signal)), why }, signal)
    if (answer === 'kept') kept = found.tree
    if (answer === 'never') over = true
    return answer
  }

  const say = (error: unknown) =>
    logger.warn(
      { event: 'work.checkpoint', issue: order.issue.number, err: explain(error) },
      'a checkpoint could not be taken yet',
    )

  return {
    async start() {
      if (everyMs === 0 || onCheckpoint === undefined) return
      ending = new AbortController()
      const { signal } = ending
      timer = repeat(
        async () => {
          if (over || signal.aborted) return
          await whileAllowed(permit, signal, (inner) => take('timer', inner))
        },
        {
          everyMs,
          jitter: 0.1,
          maxDelayMs: everyMs * MAX_BACK_OFF,
          immediate: false,
          clock: time,
          onError: say,
        },
      )
      let frozen = permit.frozen
      unwatch = permit.watch(() => {
        if (frozen && !permit.frozen) timer?.wake()
        frozen = permit.frozen
      })
      await timer.start()
    },
    working: () => {
      settled = undefined
    },
    settled: (head, gitDir) => {
      settled = { head, gitDir }
    },
    async stop() {
      unwatch()
      if (timer === undefined) return
      const cancel = clock.after(ENDING_MS, () => ending.abort())
      await timer.stop()
      cancel()
      timer = undefined
    },
    async look(signal) {
      const found = await gather(signal)
      return found === undefined ? undefined : told(found, signal)
    },
    async last() {
      if (over || permit.frozen || onCheckpoint === undefined) return
      over = true
      await withDeadline('the last checkpoint', LAST_MS, (signal) => take('stop', signal), {
        clock,
      }).catch(say)
    },
  }
}
