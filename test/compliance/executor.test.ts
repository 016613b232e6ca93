import { afterAll, beforeAll } from 'vitest'
import type { ScenarioInput } from '../../examples/scripted-model/scenario.ts'
import { startModelServer, type ModelServer } from '../../examples/scripted-model/server.ts'
import { executorConfigSchema, type ExecutorConfigInput } from '../../src/work/index.ts'
import { createAcpExecutor } from '../../src/work/executors/acp.ts'
import { createChatExecutor } from '../../src/work/executors/chat/chat.ts'
import { createCommandExecutor } from '../../src/work/executors/command.ts'
import { createMockExecutor } from '../../src/work/executors/mock.ts'
import type { AcpConfig, ChatConfig, CommandConfig, MockConfig } from '../../src/work/config.ts'
import { agentConfig, node } from '../unit/work/rig.ts'
import { executorSuite, type Behaviour } from './executor-suite.ts'

const parse = <T>(config: ExecutorConfigInput): T => executorConfigSchema.parse(config) as T

function mockFor(behaviour: Behaviour): ExecutorConfigInput {
  const base = { name: 'mock', kind: 'mock' } as const
  switch (behaviour.does) {
    case 'edit':
      return {
        ...base,
        edits: { [behaviour.path]: behaviour.content },
        says: [behaviour.says],
        runForMs: 50,
        usage: { inputTokens: 100, outputTokens: 50, costMicros: 1_000 },
      }
    case 'fail':
      return { ...base, exitCode: 3 }
    case 'take':
      return { ...base, runForMs: behaviour.ms }
    case 'hang':
    case 'resist':
      return { ...base, runForMs: 60_000 }
    case 'flood':
      return { ...base, floodBytes: 64 * 1024 * 1024 }
  }
}

function scriptFor(behaviour: Behaviour): string {
  switch (behaviour.does) {
    case 'edit':
      return `const { mkdirSync, writeFileSync } = require('fs'); mkdirSync('src', { recursive: true })
        writeFileSync(${JSON.stringify(behaviour.path)}, ${JSON.stringify(behaviour.content)})
        console.log(${JSON.stringify(behaviour.says)})`
    case 'fail':
      return 'process.exit(3)'
    case 'take':
      return `setTimeout(() => {}, ${behaviour.ms})`
    case 'hang':
      return 'setInterval(() => {}, 1000)'
    case 'resist':
      return `process.on('SIGTERM', () => {}); require('fs').writeFileSync('resisting', ''); setInterval(() => {}, 1000)`
    case 'flood':
      return `const line = 'x'.repeat(65536); const go = () => process.stdout.write(line, go); go()`
  }
}

function agentFor(behaviour: Behaviour): ExecutorConfigInput {
  switch (behaviour.does) {
    case 'edit':
      return agentConfig('edit', {
        edits: { [behaviour.path]: behaviour.content },
        says: [behaviour.says],
      })
    case 'fail':
      return agentConfig('die')
    case 'take':
      return agentConfig('take', { ms: behaviour.ms })
    case 'hang':
      return agentConfig('hang')
    case 'resist':
      return agentConfig('stubborn')
    case 'flood':
      return agentConfig('flood')
  }
}

function answersFor(behaviour: Behaviour): ScenarioInput['answers'] {
  const finish = (summary: string) => ({ calls: [{ name: 'finish', arguments: { summary } }] })
  switch (behaviour.does) {
    case 'edit': {
      const { path, content } = behaviour
      return [
        { says: 'I write.', calls: [{ name: 'write', arguments: { path, content } }] },
        finish(behaviour.says),
      ]
    }
    case 'fail':
      return [{ trouble: { status: 400 } }]
    case 'take':
      // Frozen, the request is given up, and made again afterwards.
      return [{ waitMs: behaviour.ms, ...finish('Done.'), times: 0 }]
    case 'hang':
    case 'resist':
      return [{ trouble: 'stall' }]
    case 'flood':
      return [{ trouble: 'flood' }]
  }
}

/** Started before, since a subject is made without waiting. */
const models = new Map<Behaviour['does'], ModelServer>()
const EDIT = { does: 'edit', path: 'src/a.txt', content: 'changed\n', says: 'I did it.' } as const
const BEHAVIOURS: Behaviour[] = [
  EDIT,
  { does: 'fail' },
  { does: 'hang' },
  { does: 'take', ms: 200 },
  { does: 'resist' },
  { does: 'flood' },
]
beforeAll(async () => {
  for (const one of BEHAVIOURS) {
    models.set(
      one.does,
      await startModelServer({ answers: Array.from({ length: 20 }, () => answersFor(one)).flat() }),
    )
  }
})
afterAll(async () => {
  for (const server of models.values()) await server.close()
})

executorSuite({
  name: 'chat',
  inProcess: true,
  absent: (settings) => {
    const url = 'http://127.0.0.1:1/v1'
    const config = parse<ChatConfig>({ name: 'chat', kind: 'chat', url, model: 'scripted' })
    return { executor: createChatExecutor(config, settings), task: {} }
  },
  make: ({ does }, settings) => {
    const url = models.get(does)!.url
    const config = parse<ChatConfig>({ name: 'chat', kind: 'chat', url, model: 'scripted' })
    return { executor: createChatExecutor(config, settings), task: {} }
  },
})

executorSuite({
  name: 'mock',
  inProcess: true,
  make: (behaviour, settings) => ({
    executor: createMockExecutor(parse<MockConfig>(mockFor(behaviour)), settings),
    task: {},
  }),
})

const nowhere = ['bzzz-no-such-program'] as [string]

executorSuite({
  name: 'command',
  absent: (settings) => ({
    executor: createCommandExecutor(
      parse<CommandConfig>({ name: 'command', kind: 'command' }),
      settings,
    ),
    task: { chore: { name: 'x', command: nowhere, declared: { run: nowhere, arguments: {} } } },
  }),
  make: (behaviour, settings) => {
    const [file = '', ...args] = node(scriptFor(behaviour))
    const chore = { run: [file, ...args], arguments: {} }
    return {
      executor: createCommandExecutor(
        parse<CommandConfig>({ name: 'command', kind: 'command' }),
        settings,
      ),
      task: { chore: { name: 'test', command: [file, ...args], declared: chore } },
    }
  },
})

executorSuite({
  name: 'acp',
  absent: (settings) => ({
    executor: createAcpExecutor(
      parse<AcpConfig>({ name: 'robot', kind: 'acp', command: nowhere }),
      settings,
    ),
    task: {},
  }),
  make: (behaviour, settings) => ({
    executor: createAcpExecutor(parse<AcpConfig>(agentFor(behaviour)), settings),
    task: {},
  }),
})
