import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkWorkflow } from '../../../src/cli/commands/workflow.ts'
import type { Context } from '../../../src/cli/context.ts'
import { exitCodeOf } from '../../../src/cli/exit.ts'

let dir: string
const said: string[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-workflow-'))
  said.length = 0
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const context = () =>
  ({
    cwd: dir,
    out: { json: false, message: (text: string) => said.push(text) },
  }) as unknown as Context
const write = (text: string) => writeFile(join(dir, 'WORKFLOW.md'), text)

it('names the checks and chores of a WORKFLOW.md', async () => {
  await write(
    '---\nchecks:\n  - { name: test, run: [npm, test] }\nchores:\n  go: { run: [x] }\n---\n',
  )
  expect(await checkWorkflow(context(), 'WORKFLOW.md')).toBe(0)
  expect(said.join()).toMatch(/WORKFLOW\.md is valid: checks test; chores go\./)
})

it('names line, column and field of what is wrong, and exits with 2', async () => {
  await write('---\nchores:\n  go:\n    run: npm test\n---\n')
  const error: unknown = await checkWorkflow(context(), 'WORKFLOW.md').catch((one: unknown) => one)
  expect(String(error)).toContain('WORKFLOW.md:4:5 chores.go.run: must be a list')
  expect(exitCodeOf(error)).toBe(2)
  const missing: unknown = await checkWorkflow(context(), 'none.md').catch((one: unknown) => one)
  expect(missing).toMatchObject({ code: 'WORKFLOW_UNREADABLE' })
  expect(exitCodeOf(missing)).toBe(2)
})
