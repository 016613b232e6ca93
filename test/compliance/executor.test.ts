import { executorConfigSchema, type ExecutorConfigInput } from '../../src/work/index.ts'
import { createAcpExecutor } from '../../src/work/executors/acp.ts'
import { createCommandExecutor } from '../../src/work/executors/command.ts'
import { createMockExecutor } from '../../src/work/executors/mock.ts'
import type { AcpConfig, CommandConfig, MockConfig } from '../../src/work/config.ts'
import { agentConfig, node } from '../unit/work/rig.ts'
import { executorSuite, type Behaviour } from './executor-suite.ts'

const parse = <T>(config: ExecutorConfigInput): T => executorConfigSchema.parse(config) as T

function mockFor(behaviour: Behaviour): ExecutorConfigInput {
  const base = { name: 'mock', kind: 'mock' } as const
  switch (behaviour.does) {
    case 'edit':
      return { ...base, edits: { [behaviour.path]: behaviour.content }, says: [behaviour.says] }
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

executorSuite({
  name: 'mock',
  make: (behaviour, settings) => ({
    executor: createMockExecutor(parse<MockConfig>(mockFor(behaviour)), settings),
    task: {},
  }),
})

executorSuite({
  name: 'command',
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
  make: (behaviour, settings) => ({
    executor: createAcpExecutor(parse<AcpConfig>(agentFor(behaviour)), settings),
    task: {},
  }),
})
