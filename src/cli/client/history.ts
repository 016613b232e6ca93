/**
 * The history of a task as lanes: a column for each agent, a mark where it did something, and a
 * line while it may still do more. Pure; the result is safe to print.
 */
import type { TaskDetail } from '../../api/client.ts'
import { clean, clockTime, width } from '../output/text.ts'
import { wordsOf } from './describe.ts'
import { createNames } from './names.ts'

type Step = TaskDetail['history'][number]

/** Lanes that are drawn; further agents share the last one. */
const maxLanes = 8

export function drawHistory(history: readonly Step[], nowMs: number): string {
  const names = createNames()
  for (const { agent, peerId } of history) names.know(agent, peerId)
  const agents = [...new Set(history.map((step) => names.of(step)))]
  const lanes = agents.slice(0, maxLanes)
  if (agents.length > maxLanes) lanes[maxLanes - 1] = 'others'
  const laneOf = (step: Step) => Math.min(agents.indexOf(names.of(step)), maxLanes - 1)
  const spans = lanes.map((_, lane) => ({
    first: history.findIndex((step) => laneOf(step) === lane),
    last: history.findLastIndex((step) => laneOf(step) === lane),
  }))
  const times = history.map(({ time }) => clockTime(time, nowMs))
  const timeWidth = Math.max(0, ...times.map(width))
  const typeWidth = Math.max(0, ...history.map(({ type }) => width(clean(type))))
  const padded = (text: string, columns: number) =>
    text + ' '.repeat(Math.max(0, columns - width(text)))

  const head = `${' '.repeat(timeWidth)}  ${lanes.join('  ')}`
  const lines = history.map((step, row) => {
    const marks = lanes.map((name, lane) => {
      const { first, last } = spans[lane] ?? { first: 0, last: 0 }
      const mark = laneOf(step) === lane ? '●' : row > first && row < last ? '│' : ' '
      return padded(mark, width(name))
    })
    const type = padded(clean(step.type), typeWidth)
    const text = `${wordsOf(step)}  ${names.of(step)}#${step.seq}`.trim()
    return `${padded(times[row] ?? '', timeWidth)}  ${marks.join('  ')}  ${type}  ${text}`.trimEnd()
  })
  return history.length === 0 ? '' : [head.trimEnd(), ...lines].join('\n')
}
