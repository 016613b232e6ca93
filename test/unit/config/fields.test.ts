import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  ConfigError,
  decodeYaml,
  loadConfig,
  placedText,
  type Problem,
} from '../../../src/config/index.ts'
import { z } from 'zod'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'bzzz-config-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function problemsOf(text: string): Promise<{ all: Problem[]; message: string }> {
  await writeFile(path.join(dir, 'bzzz.yaml'), text)
  const loading = loadConfig({ cwd: dir, systemFile: path.join(dir, 'none'), env: { HOME: dir } })
  const error = await loading.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (!(error instanceof ConfigError)) throw error ?? new Error('It did not fail.')
  return { all: error.data['problems'] as Problem[], message: error.message }
}

it('names the form of the field that is wrong, not that of the whole list', async () => {
  const { all, message } = await problemsOf(
    [
      'work:',
      '  executors:',
      '    - { kind: chat, name: a, url: "127.0.0.1:11434/v1", model: m }',
      '    - { kind: chat, name: b, url: "http://192.0.2.1/v1", model: m }',
      '    - { kind: chat, name: c, url: "http://127.0.0.1/v1?key=k", modle: m }',
      '    - { kind: caht, name: d }',
      '    - { name: e }',
      '    - { kind: chat, name: f, url: "https://h/v1", model: 7, price: { input: 1 } }',
    ].join('\n'),
  )
  expect(all.map(({ line, path, message: text }) => [line, path, text])).toEqual([
    [3, 'work.executors[0].url', 'does not begin with http:// or https://'],
    [4, 'work.executors[1].url', expect.stringContaining('plain http to another machine')],
    [5, 'work.executors[2].url', 'has a query (?…)'],
    [5, 'work.executors[2].model', 'is missing'],
    [5, 'work.executors[2].modle', 'unknown option'],
    [6, 'work.executors[3].kind', 'is none of those that there are'],
    [7, 'work.executors[4].kind', 'is missing'],
    [8, 'work.executors[5].model', expect.stringContaining('write it in quotation marks')],
    [8, 'work.executors[5].price.inputPerMillion', 'is missing'],
    [8, 'work.executors[5].price.outputPerMillion', 'is missing'],
    [8, 'work.executors[5].price.input', 'unknown option'],
  ])
  expect(all.find(({ path }) => path.endsWith('modle'))?.suggestion).toBe('model')
  expect(all[0]?.allowed).toContain('http://127.0.0.1:11434/v1')
  expect(all[5]?.allowed).toBe('acp, chat, command or mock')
  for (const { allowed = '' } of all) expect(allowed.length).toBeLessThan(200)
  expect(message).not.toContain('key=k')
})

it('checks small files of others in the same way, and counts lines before them', () => {
  const form = {
    file: 'OTHER.md',
    schema: z.strictObject({ names: z.record(z.string(), z.strictObject({ size: z.int() })) }),
    options: [{ path: 'names', form: '{NAME: {size}}', fields: () => ({ size: 'a number' }) }],
    linesBefore: 2,
  }
  expect(decodeYaml('names: { a: { size: 1 } }', form)).toEqual({
    value: { names: { a: { size: 1 } } },
  })
  const told = (text: string) => {
    const decoded = decodeYaml(text, form)
    return 'problems' in decoded ? decoded.problems.map(placedText) : []
  }
  expect(told('names:\n  a: { size: x, sise: 1 }')).toEqual([
    'OTHER.md:4:8 names.a.size: expected number, received string. Allowed: a number.',
    'OTHER.md:4:17 names.a.sise: unknown option. Did you mean size? Allowed: size.',
  ])
  expect(told('names: {\n')[0]).toBe('OTHER.md:3:8: the { here is not closed with }.')
  expect(told('names: *b')[0]).toContain('aliases')
  expect(told('text')[0]).toBe(
    'OTHER.md:3:1: expected object, received string. Allowed: a mapping of options.',
  )
})
