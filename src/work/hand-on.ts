/**
 * What an executor left that could not end its work, for the next one on this machine: its files as a
 * commit, and what it tried. The last checkpoint is all that is needed; where nobody else keeps any, one is
 * taken when the executor ends.
 */
import type { Git } from '../process/index.ts'
import { explain, type Logger } from '../util/index.ts'
import type { RunOptions, WorkOrder } from './types.ts'
import type { Checkpoint } from './terms.ts'

const FETCH_MS = 60_000

export interface Noted {
  options: Required<Pick<RunOptions, 'onCheckpoint'>> & Pick<RunOptions, 'checkpointMs'>
  /** The newest, if there was one. */
  last(): Checkpoint | undefined
}

/** Remembers the checkpoints that it passes on. */
export function noteCheckpoints({
  onCheckpoint,
  checkpointMs,
}: {
  onCheckpoint?: RunOptions['onCheckpoint'] | undefined
  checkpointMs?: number | undefined
}): Noted {
  let last: Checkpoint | undefined
  const every = onCheckpoint === undefined ? 0 : checkpointMs
  return {
    options: {
      async onCheckpoint(checkpoint, signal) {
        last = checkpoint
        return onCheckpoint === undefined ? 'kept' : onCheckpoint(checkpoint, signal)
      },
      ...(every === undefined ? {} : { checkpointMs: every }),
    },
    last: () => last,
  }
}

/** The order with what was left as its beginning; as it was where nothing was, or it cannot be had. */
export async function handOn(
  order: WorkOrder,
  left: Checkpoint | undefined,
  { git, logger }: { git: Git; logger: Logger },
  signal: AbortSignal,
): Promise<WorkOrder> {
  if (left === undefined) return order
  const { gitDir, base, resume, onto = resume ?? base } = order.source
  try {
    const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-gc']
    await git([...fetch, '--', left.gitDir, left.head], {
      cwd: gitDir,
      signal,
      timeoutMs: FETCH_MS,
      allowFile: true,
    })
  } catch (error) {
    if (signal.aborted) throw error
    logger.warn(
      { event: 'work.next', issue: order.issue.number, err: explain(error) },
      'what the first executor left cannot be had; the next one begins anew',
    )
    return order
  }
  return {
    ...order,
    source: { ...order.source, resume: left.head, onto },
    used: left.used,
    quoted: { ...order.quoted, earlier: left.digest },
  }
}
