import { expect, it } from 'vitest'
import { startModelServer } from '../../../examples/scripted-model/server.ts'
import { modelChecks } from '../../../src/cli/commands/doctor/machine.ts'
import type { Config } from '../../../src/config/index.ts'
import { configSchema } from '../../../src/config/schema.ts'

it('says of each model whether it can be used', async () => {
  const server = await startModelServer({ key: 'sk-theirs', contextTokens: 9_000, answers: [] })
  const model = (name: string, more: object = {}) => ({
    kind: 'chat' as const,
    name,
    url: server.url,
    model: 'scripted',
    apiKey: { env: 'THE_KEY' },
    ...more,
  })
  const executors = [
    model('good'),
    model('other', { model: 'gpt' }),
    model('keyless', { apiKey: { env: 'NO_KEY' } }),
    { kind: 'command' as const, name: 'command' },
  ]
  const config = configSchema.parse({ work: { executors } }) as Config
  const checks = modelChecks(config, { THE_KEY: 'sk-theirs' })
  expect(checks.map(({ id }) => id)).toEqual(['model:good', 'model:other', 'model:keyless'])
  const findings = await Promise.all(checks.map(({ run }) => run(new AbortController().signal)))
  await server.close()
  expect(findings).toEqual([
    { status: 'ok', seen: 'scripted: answers, with 1 model, a context of 9000 tokens' },
    {
      status: 'fail',
      seen: 'gpt: It does not have gpt, but scripted.',
      next: 'Correct `model` of this executor.',
    },
    {
      status: 'fail',
      seen: expect.stringContaining('There is no API key of keyless'),
      next: 'Type: export NO_KEY=…',
    },
  ])
  expect(modelChecks({ ...config, roles: ['observer'] }, {})).toEqual([])
})
