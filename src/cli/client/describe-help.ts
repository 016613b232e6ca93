/** The entries of help among peers in words; a part of the table in `describe.ts`. */
import type { LoggedEntry } from '../../api/client.ts'
import { count, duration } from '../output/text.ts'

type Known = Exclude<LoggedEntry, { type: 'unknown' }>
type HelpEntry = Extract<Known, { id: string } | { requests: string[] }>
type Describe = {
  [T in HelpEntry['type'] & `help.${string}`]: (entry: Extract<Known, { type: T }>) => string[]
}

const request = ({ id }: { id: string }) => `request ${id.slice(0, 8)}`
const peer = (id: string) => (id.length > 20 ? `…${id.slice(-8)}` : id)

export const helpTypes: Describe = {
  'help.asked': (entry) => [
    request(entry),
    `attempt ${entry.attempt}`,
    `round ${entry.round}`,
    entry.needs.length === 0 ? '' : `needs ${entry.needs.join(', ')}`,
    `for ${duration(entry.lifeMs)}`,
  ],
  'help.received': (entry) => [
    request(entry),
    `of ${peer(entry.asker)}`,
    `by way of ${entry.path.slice(1, -1).map(peer).join(', ') || 'nobody'}`,
  ],
  'help.discarded': (entry) => [request(entry), `from ${peer(entry.from)}`, entry.why],
  'help.forwarded': (entry) => [
    request(entry),
    `to ${peer(entry.to)}`,
    `hop ${entry.hop}`,
    entry.reason,
  ],
  'help.unsent': (entry) => [request(entry), `to ${peer(entry.to)}`, entry.why],
  'help.offered': (entry) => [
    request(entry),
    `by ${peer(entry.by)}`,
    `fitness ${entry.fitness}`,
    entry.reason,
  ],
  'help.declined': (entry) => [request(entry), `by ${peer(entry.by)}`, entry.reason],
  'help.accepted': (entry) => [request(entry), `help of ${peer(entry.helper)}`, entry.reason],
  'help.answered': (entry) => [
    request(entry),
    `by ${peer(entry.helper)}`,
    entry.form,
    count(entry.bytes, 'byte'),
  ],
  'help.failed': (entry) => [request(entry), `by ${peer(entry.helper)}`, entry.reason],
  'help.withdrawn': (entry) => [request(entry), entry.reason],
  'help.relayed': (entry) => [
    request(entry),
    entry.letter,
    `from ${peer(entry.from)} to ${peer(entry.to)}`,
  ],
  'help.result': (entry) => [
    request(entry),
    entry.outcome,
    entry.helper === undefined ? '' : `by ${peer(entry.helper)}`,
    entry.reason,
  ],
  'help.exhausted': (entry) => [
    `attempt ${entry.attempt}`,
    `after ${count(entry.requests.length, 'request')}`,
  ],
}
