/**
 * The thread of the lookout. All in it is synchronous and short. Where it may (root) it goes before
 * others, so that what a child can write between two looks depends on the child and not on the machine's load.
 */
import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { familyNow, processRow } from '../../proc-fs.ts'
import { signalTo } from '../../reap.ts'
import { createLookout, type Place } from './lookout.ts'
import { roomOf, writtenBy } from './usage.ts'

/** Between two looks, ms. One takes some microseconds for each process of a child. */
const LOOK_MS = 50
const PRIORITY = -15
/** A family that forks while it is stopped is looked through again, so often. */
const ROUNDS = 5

export type Order =
  | { add: Place }
  | { know: number; pids: number[] }
  | { arm: number; credit: number }
  | { remove: number }

/** `gone` answers `remove`. */
export type Answer = { stopped: number } | { gone: number; over: boolean }

try {
  // Of this thread alone.
  setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), PRIORITY)
} catch {
  // A plain user may not.
}

/** The group at once, then whatever descends from it. */
function stop({ pid, stop: { signal, alone } }: Place): void {
  if (alone) {
    signalTo(pid, signal)
    return
  }
  signalTo(-pid, signal)
  for (let round = 0; round < ROUNDS; round += 1) {
    const running = familyNow(pid).filter(({ stopped }) => !stopped)
    if (running.length === 0) return
    for (const row of running) {
      if (processRow(row.pid)?.start === row.start) signalTo(row.pid, signal)
    }
  }
}

const answer = (message: Answer) => parentPort?.postMessage(message)
const lookout = createLookout({
  roomOf,
  writtenBy,
  stop,
  onStopped: (id) => answer({ stopped: id }),
})

parentPort?.on('message', (order: Order) => {
  if ('add' in order) lookout.add(order.add)
  else if ('know' in order) lookout.know(order.know, order.pids)
  else if ('arm' in order) lookout.arm(order.arm, order.credit)
  else answer({ gone: order.remove, over: lookout.remove(order.remove) })
})
setInterval(() => lookout.look(), LOOK_MS)
