/**
 * What every executor must do, whatever it is. A subject says how to make an executor behave in a
 * certain way; the suite drives it through the interface alone.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createProcesses, type Processes } from '../../src/process/index.ts'
import {
  nullLogger,
  PermitSource,
  systemClock,
  type Clock,
  unlimited,
  until,
} from '../../src/util/index.ts'
import { processRow } from '../../src/process/proc-fs.ts'
import type { ChildSettings } from '../../src/work/executor-settings.ts'
import type { Executor, ExecutorEvent, ExecutorTask, Place } from '../../src/work/executor.ts'
import { withProbe } from '../../src/work/probe.ts'
import { PATH } from '../unit/work/rig.ts'

export type Behaviour =
  | { does: 'edit'; path: string; content: string; says: string }
  | { does: 'fail' }
  | { does: 'hang' }
  /** Takes so long, then is done. */
  | { does: 'take'; ms: number }
  /** Does not react to TERM. */
  | { does: 'resist' }
  | { does: 'flood' }

export interface Subject {
  name: string
  /** One that cannot work here: its program or its model is not there. Absent where that cannot be. */
  absent?(settings: ChildSettings): { executor: Executor; task: Partial<ExecutorTask> }
  /** It works in this process, and has none of its own. */
  inProcess?: true
  make(
    behaviour: Behaviour,
    settings: ChildSettings,
  ): { executor: Executor; task: Partial<ExecutorTask> }
}

/** The system's clock, which can be moved on: what is due then happens at once. */
export function skippingClock(): Clock & { skip(ms: number): void } {
  const timers = new Map<object, () => void>()
  let skipped = 0
  const monotonic = () => systemClock.monotonic() + skipped
  return {
    now: () => systemClock.now() + skipped,
    monotonic,
    after(ms, callback) {
      const due = monotonic() + ms
      let cancel = () => {}
      const key = {}
      const arm = () => {
        cancel()
        cancel = systemClock.after(due - monotonic(), () => {
          timers.delete(key)
          callback()
        })
      }
      timers.set(key, arm)
      arm()
      return () => {
        timers.delete(key)
        cancel()
      }
    },
    skip(ms) {
      skipped += ms
      for (const arm of timers.values()) arm()
    },
  }
}

export function executorSuite(subject: Subject): void {
  describe(`executor ${subject.name}`, () => {
    let dir: string
    let place: Place
    let processes: Processes
    let clock: ReturnType<typeof skippingClock>
    const limits = {
      wallTimeMs: 20_000,
      idleTimeMs: 20_000,
      lifeTimeMs: 30_000,
      maxOutputBytes: 1024 * 1024,
      graceMs: 300,
      helloTimeMs: 10_000,
    }

    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), 'bzzz-executor-'))
      const of = (name: string) => join(dir, name)
      place = { root: dir, clone: of('clone'), home: of('home'), tmp: of('tmp') }
      for (const path of [place.clone, place.home, place.tmp]) mkdirSync(path)
      clock = skippingClock()
      processes = createProcesses({ stateDir: of('state'), logger: nullLogger, clock })
    })
    afterEach(async () => {
      expect(processes.list()).toEqual([])
      await processes.stop()
      rmSync(dir, { recursive: true, force: true })
    })

    const settings = (): ChildSettings => ({
      processes,
      logger: nullLogger,
      clock,
      path: PATH,
      variables: {},
      userHome: place.home,
      sandbox: { readable: [], limits: {} },
    })
    function start(behaviour: Behaviour, more: Partial<typeof limits> = {}) {
      const { executor, task } = subject.make(behaviour, settings())
      const abort = new AbortController()
      const permit = new PermitSource(clock)
      const full = {
        label: 'octo/lib#1',
        prompt: 'Do it.',
        ...task,
        limits: { ...limits, ...more },
      }
      const running = executor.start(full, place, { signal: abort.signal, permit })
      const events: ExecutorEvent[] = []
      const drained = (async () => {
        for await (const event of running.events) events.push(event)
      })()
      return { executor, running, abort, permit, events, drained }
    }
    const edit = {
      does: 'edit',
      path: 'src/a.txt',
      content: 'changed\n',
      says: 'I did it.',
    } as const

    it('is found', async () => {
      const { executor } = subject.make(edit, settings())
      const found = await withProbe(
        { path: PATH, dir },
        { processes, logger: nullLogger },
        (probe) => executor.detect(probe, new AbortController().signal),
      )
      expect(found).toBeDefined()
    })

    it('edits, says what it did, and leaves nothing', async () => {
      const { running, events, drained } = start(edit)
      const result = await running.result
      expect(result).toMatchObject({ outcome: 'done' })
      expect(readFileSync(join(place.clone, 'src/a.txt'), 'utf8')).toBe('changed\n')
      expect(result.summary).toContain('I did it.')
      expect(result.output.bytes).toBeGreaterThan(0)
      expect(result.output.sha256).toMatch(/^[0-9a-f]{64}$/)
      expect(result.durationMs).toBeGreaterThanOrEqual(0)
      await running.stop('done')
      await drained
      expect(events.map((event) => event.type)).toContain('text')
    })

    it('says when it fails', async () => {
      const { running, drained } = start({ does: 'fail' })
      const result = await running.result
      expect(result.outcome).toBe('failed')
      expect(result.reason).not.toBe('')
      await running.stop('done')
      await drained
    })

    it('takes a second turn, or says that it takes none', async () => {
      const { executor, running, drained } = start(edit)
      expect((await running.result).outcome).toBe('done')
      expect(running.again !== undefined).toBe(executor.capabilities.turns)
      const again = await running.again?.('Once more.')
      if (again !== undefined) expect(again.outcome).toBe('done')
      await running.stop('done')
      await drained
    })

    it('tells what it took as sums that never shrink', async () => {
      const { executor, running, events, drained } = start(edit)
      const { usage } = await running.result
      await running.stop('done')
      await drained
      const told = events.flatMap((event) => (event.type === 'usage' ? [event] : []))
      expect(told.length > 0).toBe(executor.capabilities.usage)
      for (const key of ['inputTokens', 'outputTokens', 'costMicros'] as const) {
        const values = told.map((event) => event[key] ?? 0)
        expect(values).toEqual(values.toSorted((a, b) => a - b))
        expect(values.at(-1) ?? 0).toBe(usage?.[key] ?? 0)
      }
    })

    it.runIf(subject.absent !== undefined)('blames no task when it cannot work here', async () => {
      const made = subject.absent?.(settings())
      if (made === undefined) return
      const full = { label: 'octo/lib#1', prompt: 'Do it.', ...made.task, limits }
      const control = { signal: new AbortController().signal, permit: unlimited }
      const running = made.executor.start(full, place, control)
      const result = await running.result
      expect(result.outcome).toBe('environment')
      expect(result.reason).not.toBe('')
      await running.stop('done')
    })

    it('ends at its wall time', async () => {
      const { running, drained } = start({ does: 'hang' }, { wallTimeMs: 700 })
      expect((await running.result).outcome).toBe('timeout')
      await running.stop('done')
      await drained
    })

    it('stops when told, twice, and its result is there afterwards', async () => {
      const { running, drained } = start({ does: 'hang' })
      await Promise.all([running.stop('first'), running.stop('second')])
      expect((await running.result).outcome).toBe('aborted')
      await drained
    })

    it('stops when the signal fires', async () => {
      const { running, abort, drained } = start({ does: 'hang' })
      abort.abort()
      expect((await running.result).outcome).toBe('aborted')
      await running.stop('done')
      await drained
    })

    it('does not start when the signal has fired before', async () => {
      const { executor, task } = subject.make(edit, settings())
      const full = { label: 'x', prompt: '', ...task, limits }
      const control = { signal: AbortSignal.abort(), permit: unlimited }
      const running = executor.start(full, place, control)
      expect((await running.result).outcome).toBe('aborted')
      await running.stop('done')
      expect(existsSync(join(place.clone, 'src/a.txt'))).toBe(false)
    })

    it('is killed when it ignores TERM', async () => {
      const { running, drained } = start({ does: 'resist' })
      await until('it runs', 30_000, () =>
        subject.inProcess === true ? true : existsSync(join(place.clone, 'resisting')),
      )
      const began = performance.now()
      await running.stop('now')
      expect(performance.now() - began).toBeLessThan(8_000)
      expect((await running.result).outcome).toBe('aborted')
      await drained
    })

    it('stands still while it is frozen, with its limits, and goes on', async () => {
      const { running, permit, drained } = start({ does: 'take', ms: 200 })
      permit.freeze()
      let settled = false
      void running.result.then(() => (settled = true))
      await until('its processes stand still', 30_000, () => {
        const pids = processes.list().map(({ pid }) => pid)
        if (pids.length === 0) return subject.inProcess === true
        return process.platform !== 'linux' || pids.every((pid) => processRow(pid)?.stopped)
      })
      // Longer than each of its limits.
      clock.skip(3_600_000)
      await new Promise(setImmediate)
      expect(settled).toBe(false)
      permit.thaw()
      expect(await running.result).toMatchObject({ outcome: 'done' })
      await running.stop('done')
      await drained
    })

    it('is ended while it is frozen', async () => {
      const { running, permit, drained } = start({ does: 'hang' }, { graceMs: 20_000 })
      permit.freeze()
      const began = performance.now()
      await running.stop('lost')
      // No grace: it may not run any more.
      expect(performance.now() - began).toBeLessThan(10_000)
      expect((await running.result).outcome).toBe('aborted')
      await drained
    })

    it('ends when it floods', async () => {
      const { running, drained } = start({ does: 'flood' })
      const result = await running.result
      expect(result.outcome).toBe('flood')
      expect(result.output.truncated).toBe(true)
      await running.stop('done')
      await drained
    })
  })
}
