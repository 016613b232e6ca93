/**
 * What every executor must do, whatever it is. A subject says how to make an executor behave in a
 * certain way; the suite drives it through the interface alone.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createProcesses, type Processes } from '../../src/process/index.ts'
import { nullLogger, systemClock, until } from '../../src/util/index.ts'
import type { ChildSettings } from '../../src/work/executor-settings.ts'
import type { Executor, ExecutorEvent, ExecutorTask, Place } from '../../src/work/executor.ts'
import { withProbe } from '../../src/work/probe.ts'
import { PATH } from '../unit/work/rig.ts'

export type Behaviour =
  | { does: 'edit'; path: string; content: string; says: string }
  | { does: 'fail' }
  | { does: 'hang' }
  /** Does not react to TERM. */
  | { does: 'resist' }
  | { does: 'flood' }

export interface Subject {
  name: string
  make(
    behaviour: Behaviour,
    settings: ChildSettings,
  ): { executor: Executor; task: Partial<ExecutorTask> }
}

export function executorSuite(subject: Subject): void {
  describe(`executor ${subject.name}`, () => {
    let dir: string
    let place: Place
    let processes: Processes
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
      processes = createProcesses({ stateDir: of('state'), logger: nullLogger })
    })
    afterEach(async () => {
      expect(processes.list()).toEqual([])
      await processes.stop()
      rmSync(dir, { recursive: true, force: true })
    })

    const settings = (): ChildSettings => ({
      processes,
      logger: nullLogger,
      clock: systemClock,
      path: PATH,
      variables: {},
      userHome: place.home,
    })
    function start(behaviour: Behaviour, more: Partial<typeof limits> = {}) {
      const { executor, task } = subject.make(behaviour, settings())
      const abort = new AbortController()
      const full = {
        label: 'octo/lib#1',
        prompt: 'Do it.',
        ...task,
        limits: { ...limits, ...more },
      }
      const running = executor.start(full, place, abort.signal)
      const events: ExecutorEvent[] = []
      const drained = (async () => {
        for await (const event of running.events) events.push(event)
      })()
      return { executor, running, abort, events, drained }
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
      const running = executor.start(full, place, AbortSignal.abort())
      expect((await running.result).outcome).toBe('aborted')
      await running.stop('done')
      expect(existsSync(join(place.clone, 'src/a.txt'))).toBe(false)
    })

    it('is killed when it ignores TERM', async () => {
      const { running, drained } = start({ does: 'resist' })
      await until('it runs', 10_000, () =>
        subject.name === 'mock' ? true : existsSync(join(place.clone, 'resisting')),
      )
      const began = performance.now()
      await running.stop('now')
      expect(performance.now() - began).toBeLessThan(8_000)
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
