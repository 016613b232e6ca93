/** A line of the log for people: time, severity, what it is about, what happened and why. Pure; safe to print. */
import { clean, clockTime, safeJson } from './text.ts'

/** Said by where it stands, or of no use to who watches. */
const dropped = new Set(['level', 'time', 'msg', 'agent', 'event', 'repo', 'issue', 'pid'])
/** What says more about the message, the first that is there. */
const details = ['err', 'reason', 'why', 'outcome', 'decision']

export interface LogLineOptions {
  nowMs: number
  /** Also the fields that programs need. */
  verbose: boolean
}

/** `json`: one line of the JSON log. What is none is cleaned and stays as it is. */
export function logText(json: string, { nowMs, verbose }: LogLineOptions): string {
  const fields = parse(json)
  if (fields === undefined) return clean(json.trimEnd())
  const { level, time, msg, repo, issue } = fields
  const detail = details.find((name) => fields[name] !== undefined)
  const at = typeof time === 'string' ? Date.parse(time) : NaN
  const number = issue === undefined ? '' : `#${text(issue)}`
  const about = repo === undefined ? '' : `${text(repo)}${number}`
  const message = text(msg)
  const rest = Object.entries(fields).filter(([name]) => !dropped.has(name) && name !== detail)
  const parts = [
    Number.isNaN(at) ? '' : clockTime(at, nowMs),
    level === 'info' ? '' : text(level),
    about === '' || message.includes(about) ? '' : about,
    detail === undefined ? message : `${message}: ${text(fields[detail])}`,
    ...(verbose ? rest.map(([name, value]) => `${name}=${text(value)}`) : []),
  ]
  return clean(parts.filter((part) => part !== '').join(' '))
}

const text = (value: unknown) =>
  value === undefined ? '' : typeof value === 'string' ? value : safeJson(value)

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
