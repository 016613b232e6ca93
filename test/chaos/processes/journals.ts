/** Figures from the agents' own journals, for the report only. */
import { connect } from '../../../src/api/client.ts'
import type { Actor } from './actors.ts'

export interface JournalFigures {
  tried: number
  won: number
  /** Attempts at a claim that somebody else won. */
  lost: number
  /** Holders that found at a step that their claim was another's. */
  fenced: number
  /** Of those, at the moment of publication. */
  fencedAtPublication: number
}

const timeoutMs = 20_000

/** What each agent that answers wrote itself. */
export async function journalFigures(actors: readonly Actor[]): Promise<JournalFigures> {
  const figures = { tried: 0, won: 0, lost: 0, fenced: 0, fencedAtPublication: 0 }
  for (const { home, name } of actors) {
    const api = connect(home, { timeoutMs })
    const types = ['claim.tried', 'claim.won', 'claim.lost'] as const
    try {
      for await (const entry of api.logs({ agent: name, types: [...types] })) {
        if (entry.type === 'claim.tried') figures.tried += 1
        if (entry.type === 'claim.won') figures.won += 1
        if (entry.type !== 'claim.lost') continue
        if (entry.oid !== undefined) figures.lost += 1
        else figures.fenced += 1
        if (/at publication/.test(entry.reason)) figures.fencedAtPublication += 1
      }
    } catch {
      // It does not answer: its figures are missing, and nothing is judged by them.
    }
  }
  return figures
}
