/**
 * A request for help as a tree: who asked whom at which hop and why, what each did and when. All of it
 * from journals. Pure; the result is safe to print.
 */
import type { AskShown, HelpTree, LoggedEntry } from '../../../api/client.ts'
import { clean, clockTime, count, duration } from '../../output/text.ts'
import { logLine } from '../describe.ts'

type Node = HelpTree['root']
type Help = Extract<LoggedEntry, { type: `help.${string}` }>

export interface DrawInit {
  name: (peerId: string) => string
  nowMs: number
}

export function drawAsk({ row, tree, entries }: AskShown, { name, nowMs }: DrawInit): string {
  const id = tree?.id ?? row?.id ?? ''
  const of = tree ?? row
  const asked = entries.find((entry) => entry.type === 'help.asked')
  const facts: [string, string | null][] = [
    ['task', of && `${of.task.repo}#${of.task.issue}, request ${of.round} of it`],
    ['from', name(tree?.root.peerId ?? row?.origin ?? '')],
    ['asked', asked?.type === 'help.asked' ? askedOf(asked, nowMs) : null],
    ['outcome', of && outcomeOf(of, entries, name)],
    ['question', row?.waits?.question ?? null],
    ['about', row?.waits?.summary ?? null],
  ]
  const head = [`request ${id}`, ...facts.flatMap(([title, value]) => fact(title, value))]
  if (tree === null) {
    const told = entries.map((entry) => logLine(entry, { nowMs }))
    const why = 'The journal of who asks is not here, so there is no tree. What others wrote:'
    return [...head, '', why, ...told].map(safe).join('\n')
  }
  return [...head, '', ...draw(tree.root, { entries, name, nowMs })].map(safe).join('\n')
}

const fact = (title: string, value: string | null) =>
  value === null || value === '' ? [] : [`${title.padEnd(8)} ${clean(value)}`]
const safe = (line: string) => clean(line)

function askedOf(entry: Extract<Help, { type: 'help.asked' }>, nowMs: number): string {
  const needs = entry.needs.length === 0 ? '' : `, needs ${entry.needs.join(', ')}`
  return `${clockTime(entry.time, nowMs)}, attempt ${entry.attempt}${needs}, for ${duration(entry.lifeMs)}; ${count(entry.bytes, 'byte')}`
}

function outcomeOf(
  { outcome, helper }: { outcome: string; helper?: string },
  entries: readonly LoggedEntry[],
  name: DrawInit['name'],
): string {
  const asked = entries.find((entry) => entry.type === 'help.asked')
  const result = entries.find(
    (entry) => entry.type === 'help.result' && entry.peerId === asked?.peerId,
  )
  const by = helper === undefined ? '' : ` ${name(helper)}`
  const word = outcome === 'used' ? 'used the help of' : outcome
  if (result?.type !== 'help.result' || asked === undefined) return `${word}${by}`
  return `${word}${by} after ${duration(result.time - asked.time)}: ${result.reason}`
}

interface Drawing extends DrawInit {
  entries: readonly LoggedEntry[]
}

function draw(node: Node, drawing: Drawing, before = '', mark = '', rest = ''): string[] {
  const { name } = drawing
  const what = node.hop === 0 ? 'asks' : `hop ${node.hop}, ${words[node.did]}`
  // Of one whose journal is here, its steps say more.
  const reason = node.did === 'unsent' ? `: ${node.reason}` : ''
  const why = node.hop === 0 ? '' : `  (why it: ${node.why})`
  const inner = before + rest
  const bar = node.children.length > 0 ? '│ ' : '  '
  const steps = stepsOf(node, drawing).map((step) => `${inner}${bar}  ${step}`)
  const children = node.children.flatMap((child, index) => {
    const last = index === node.children.length - 1
    return draw(child, drawing, inner, last ? '└─ ' : '├─ ', last ? '   ' : '│  ')
  })
  return [`${before}${mark}${name(node.peerId)}  ${what}${reason}${why}`, ...steps, ...children]
}

const words: Readonly<Record<Node['did'], string>> = {
  asked: 'asks',
  silent: 'is silent (nothing of its journal is here)',
  unsent: 'was not reached',
  received: 'got it',
  discarded: 'discarded it',
  forwarded: 'forwarded it',
  declined: 'declined',
  offered: 'offered',
  helping: 'helps',
  answered: 'answered',
  failed: 'gave up',
}

/** What it wrote, but for whom it sent it to: that are the branches. */
function stepsOf({ entries: references }: Node, drawing: Drawing): string[] {
  const { entries, name, nowMs } = drawing
  return references.flatMap(({ peerId, epoch, seq }) => {
    const found = entries.find(
      (entry) => entry.peerId === peerId && entry.epoch === epoch && entry.seq === seq,
    )
    const said = found === undefined ? undefined : stepOf(found, name)
    return found === undefined || said === undefined
      ? []
      : [`${clockTime(found.time, nowMs)} ${said}  #${seq}`]
  })
}

function stepOf(entry: LoggedEntry, name: DrawInit['name']): string | undefined {
  const self = entry.peerId
  switch (entry.type) {
    case 'help.received':
      return `got it with ${duration(entry.leftMs)} left`
    case 'help.discarded':
      return `discarded it: ${entry.why}`
    case 'help.unsent':
      return `${name(entry.to)} did not take it: ${entry.why}`
    case 'help.offered': {
      const what = `fitness ${entry.fitness}: ${entry.reason}`
      return entry.by === self ? `offered, ${what}` : `offer of ${name(entry.by)}, ${what}`
    }
    case 'help.declined': {
      const who = entry.by === self ? 'declined' : `${name(entry.by)} declined`
      return `${who}: ${entry.reason}`
    }
    case 'help.accepted':
      return entry.helper === self
        ? `was accepted, begins`
        : `took the offer of ${name(entry.helper)}: ${entry.reason}`
    case 'help.answered': {
      const what = `${entry.form} of ${count(entry.bytes, 'byte')}`
      return entry.helper === self
        ? `answered: ${what}`
        : `answer of ${name(entry.helper)}: ${what}`
    }
    case 'help.failed':
      return entry.helper === self
        ? `gave up: ${entry.reason}`
        : `${name(entry.helper)} gave up: ${entry.reason}`
    case 'help.withdrawn':
      return `withdrawn: ${entry.reason}`
    case 'help.relayed':
      return `handed on ${entry.letter} of ${name(entry.from)} to ${name(entry.to)}`
    case 'help.result':
      return `${entry.outcome}${entry.reason === '' ? '' : `: ${entry.reason}`}`
    default:
      return undefined
  }
}
