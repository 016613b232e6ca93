/** Reads from forge, bare repository and the chores' file what the checks judge. Faults must be off. */
import { verifySignature } from '../../../src/mesh/index.ts'
import { decodeRecord, type ClaimRecord } from '../../../src/tasks/claim/record.ts'
import { explain } from '../../../src/util/index.ts'
import {
  failedLabel,
  refPrefix,
  type Commit,
  type Disturbance,
  type Evidence,
  type Execution,
} from './evidence.ts'
import { readChange, readCommits, readLedger } from './ledger.ts'
import { lastWord, readEvents, readForge, readSigns, repo, type Stage } from './stage.ts'

export interface GatherInit {
  leaseMs: number
  marginMs: number
  yieldMs: number
  logins: readonly string[]
  disturbances: readonly Disturbance[]
}

export async function gather(stage: Stage, init: GatherInit): Promise<Evidence> {
  const { logins, ...rest } = init
  const moves = await readLedger(stage.ledger)
  const oids = [...new Set(moves.flatMap(({ after }) => after ?? []))]
  const commits = await readCommits(stage.bare, oids)
  const records = new Map<string, ClaimRecord | string>()
  for (const { ref, after } of moves) {
    if (!ref.startsWith(refPrefix) || after === null) continue
    records.set(after, await decode(commits.get(after), Number(ref.slice(refPrefix.length))))
  }
  const seen = await readForge(stage)
  const issues = await Promise.all(
    stage.issues.map(async (planned) => {
      const now = seen.issues.find(({ number }) => number === planned.number)
      if (now === undefined) throw new Error(`issue #${planned.number} is gone`)
      const lastComment = now.labels.includes(failedLabel)
        ? await lastWord(stage, planned.number)
        : ''
      return { ...planned, ...now, events: await readEvents(stage, planned.number), lastComment }
    }),
  )
  const pulls = []
  for (const pull of seen.pulls) {
    const { number, head, base, body } = pull
    const files = await readChange(stage.bare, base.sha, head.sha)
    const open = pull.state === 'open'
    pulls.push({ number, open, head: head.ref, base: base.ref, headOid: head.sha, body, files })
  }
  const executions = parseSigns(await readSigns(stage))
  const agents = new Set(logins.map((login) => login.toLowerCase()))
  return { ...rest, agents, issues, moves, commits, records, pulls, executions }
}

async function decode(commit: Commit | undefined, issue: number): Promise<ClaimRecord | string> {
  if (commit === undefined) return 'it is no commit'
  const place = { repo, issue, parents: [...commit.parents] }
  return decodeRecord(commit.message, place, verifySignature).catch((error: unknown) =>
    explain(error),
  )
}

type Sign = [what: string, word: string, pid: number, at: number, cwd: string]

/** Each run of a chore from its first sign to its last one. */
export function parseSigns(text: string): Execution[] {
  const running = new Map<string, Execution>()
  const all: Execution[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [what, word, pid, at, cwd] = JSON.parse(line) as Sign
    const key = `${word} ${pid}`
    let one = running.get(key)
    if (one === undefined || what === 'begin') {
      const agent = /\/agents\/([^/]+)\//.exec(cwd)?.[1] ?? cwd
      one = { word, agent, pid, from: at, to: at }
      running.set(key, one)
      all.push(one)
    }
    one.to = Math.max(one.to, at)
  }
  return all
}
