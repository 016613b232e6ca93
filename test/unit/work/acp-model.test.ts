import { describe, expect, it } from 'vitest'
import { wayToModel } from '../../../src/work/executors/acp-model.ts'
import { sessionSchema } from '../../../src/work/executors/acp-messages.ts'
import { readSession, writeSession } from '../../../src/work/session-state.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

describe('the way to a model', () => {
  const option = (currentValue: string, options: object[]) => ({
    configOptions: [
      { id: 'mode', type: 'boolean', currentValue: true },
      { id: 'm', category: 'model', type: 'select', name: 'Model', currentValue, options },
    ],
  })
  const of = (wanted: string, answer: object) =>
    wayToModel(wanted, sessionSchema.parse({ sessionId: 's', ...answer }))

  it('is the option of the session, flat or in groups, by value or by name', () => {
    const flat = option('a', [
      { value: 'a', name: 'Ay' },
      { value: 'b', name: 'Bee' },
    ])
    expect(of('B', flat)).toEqual({ is: 'option', configId: 'm', value: 'b' })
    expect(of('bee', flat)).toEqual({ is: 'option', configId: 'm', value: 'b' })
    expect(of('a', flat)).toEqual({ is: 'set' })
    expect(of('c', flat)).toEqual({ is: 'other', offered: ['a', 'b'] })
    const grouped = option('a', [{ group: 'g', name: 'G', options: [{ value: 'x/b', name: '' }] }])
    expect(of('b', grouped)).toEqual({ is: 'option', configId: 'm', value: 'x/b' })
  })

  it('is the older list where there is no such option', () => {
    const models = {
      availableModels: [
        { modelId: 'p/b', name: 'B' },
        { modelId: 'q/b', name: 'C' },
      ],
    }
    expect(of('q/b', { models })).toEqual({ is: 'model', modelId: 'q/b' })
    expect(of('c', { models })).toEqual({ is: 'model', modelId: 'q/b' })
    // Two of that name are none.
    expect(of('x', { models })).toMatchObject({ is: 'other' })
    expect(of('b', { models: { availableModels: [...models.availableModels].reverse() } })).toEqual(
      {
        is: 'model',
        modelId: 'p/b',
      },
    )
    expect(of('b', {})).toEqual({ is: 'none' })
    expect(of('b', { models: 7, configOptions: 'x' })).toEqual({ is: 'none' })
  })
})

it('a conversation is known only where it was had', async () => {
  const root = await mkdtemp(join(tmpdir(), 'bzzz-session-'))
  const place = { root, clone: join(root, 'clone') }
  await writeSession(place, { executor: 'claude', id: 's1' })
  expect(await readSession(place, 'claude')).toBe('s1')
  expect(await readSession(place, 'codex')).toBeUndefined()
  // The same directory, moved: agents would look for the conversation by its old path.
  expect(await readSession({ root, clone: '/elsewhere/clone' }, 'claude')).toBeUndefined()
  await rm(root, { recursive: true })
})
