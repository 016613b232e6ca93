/**
 * A model endpoint that follows a script, to try the chat executor without a model:
 *
 *   node examples/scripted-model.ts [--port 4010] [--scenario FILE.json]
 *
 * It prints what to write into `bzzz.yaml`, and afterwards each request that it was asked. Without a
 * scenario it looks around, adds SCRIPTED.md, and says so, for each task anew; the task of
 * `bzzz executor test` it does as that wants it. What a scenario may hold is in
 * scripted-model/scenario.ts.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { scenarioSchema, type ScenarioInput } from './scripted-model/scenario.ts'
import { startModelServer } from './scripted-model/server.ts'

const LOOK_MS = 500

const EVERY_TASK: ScenarioInput['answers'] = [
  { says: 'I look around.', calls: [{ name: 'list', arguments: { depth: 2 } }] },
  { calls: [{ name: 'read', arguments: { path: 'README.md' } }], expect: { role: 'tool' } },
  {
    calls: [{ name: 'search', arguments: { text: 'bzzz', ignoreCase: true } }],
    usage: { prompt: 1_500, completion: 40 },
  },
  {
    calls: [
      { name: 'write', arguments: { path: 'SCRIPTED.md', content: 'Written by a script.\n' } },
    ],
  },
  {
    calls: [{ name: 'finish', arguments: { summary: 'Added SCRIPTED.md, as the script says.' } }],
    usage: { prompt: 1_800, completion: 60 },
  },
]

const when = 'hello from bzzz'
const GREETING: ScenarioInput['answers'] = [
  { when, calls: [{ name: 'read', arguments: { path: 'greeting.txt' } }] },
  { when, calls: [{ name: 'write', arguments: { path: 'greeting.txt', content: `${when}\n` } }] },
  { when, calls: [{ name: 'finish', arguments: { summary: 'Changed the greeting.' } }] },
]
const times = (count: number, answers: ScenarioInput['answers']) =>
  Array.from({ length: count }, () => answers).flat()

const { values } = parseArgs({
  options: { port: { type: 'string', default: '4010' }, scenario: { type: 'string' } },
})
const scenario: ScenarioInput =
  values.scenario === undefined
    ? { answers: [...times(100, GREETING), ...times(100, EVERY_TASK)] }
    : scenarioSchema.parse(JSON.parse(readFileSync(values.scenario, 'utf8')))
const server = await startModelServer(scenario, Number(values.port))

console.log(`A scripted model listens at ${server.url}. In bzzz.yaml:

work:
  executors:
    - { kind: chat, name: scripted, url: ${server.url}, model: ${scenario.model ?? 'scripted'} }
`)
let shown = 0
const timer = setInterval(() => {
  for (const { messages } of server.requests.slice(shown)) {
    const last = messages.at(-1)
    console.log(`${messages.length} messages; ${last?.role}: ${last?.content.slice(0, 200)}`)
  }
  shown = server.requests.length
  for (const problem of server.problems.splice(0)) console.log(`NOT AS EXPECTED: ${problem}`)
}, LOOK_MS)
const stop = () => {
  clearInterval(timer)
  void server.close()
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
