/** What the chain of claim records tells of rounds: how many have ended, and what they were about. Pure. */
import type { ClaimRecord } from '../claim/record.ts'

export interface Rounds {
  /** Since a person last asked for another try. */
  rounds: number
  worked: ReadonlySet<string>
  /** Id of the newest comment that was obeyed; 0: none. */
  command: number
  /** Of all who held the claim, in lower case: who else is assigned is a person. */
  logins: string[]
}

/** `records`: newest first. */
export function roundsOf(records: readonly ClaimRecord[]): Rounds {
  const command = records[0]?.command ?? 0
  const ended = records.filter(
    (record) => record.state === 'done' && (record.command ?? 0) === command,
  )
  return {
    rounds: Math.max(0, ...ended.map(({ round }) => round ?? 0)),
    worked: new Set(ended.flatMap(({ feedback }) => feedback ?? [])),
    command,
    logins: [...new Set(records.map(({ login }) => login.toLowerCase()))],
  }
}
