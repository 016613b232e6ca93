/** One request worked out by an executor: from the question to a patch or advice. */
import { CommonError, type Permit } from '../../util/index.ts'
import type { HelpAnswer, HelpQuestion } from '../../mesh/index.ts'
import { recordProgress } from '../attempt/execute.ts'
import { cutText } from '../checkpoints/text.ts'
import { oidPattern } from '../claim/record.ts'
import type { Context, RepoContext } from '../context.ts'
import { decodeInstructions, type Instructions } from '../intake/instructions.ts'
import type { WorkOutcome, WorkProgress } from '../needs.ts'

/** What the wire takes, bytes. */
const maxPatch = 250 * 1024
const maxNote = 3_500
const maxAdvice = 30_000

/** A store with one empty commit, for questions about repositories that this agent does not work. */
export interface Scratch {
  open(signal: AbortSignal): Promise<{ gitDir: string; base: string }>
}

export interface WorkOutInit {
  question: HelpQuestion
  budget: HelpQuestion['budget']
  /** Absent where the repository is not worked here: then only words can be given. */
  at: RepoContext | undefined
  adviceOnly: boolean
}

interface Ground {
  gitDir: string
  baseBranch: string
  base: string
  /** Commit with the work of the origin so far. */
  start: string
  issue: { number: number; title: string; body: string; labels: string[] }
  instructions: Instructions
}

export async function workOut(
  context: Context,
  init: WorkOutInit,
  { scratch, permit }: { scratch: Scratch; permit: Permit },
  signal: AbortSignal,
): Promise<HelpAnswer> {
  const { question, budget, at, adviceOnly } = init
  const { id, task, want } = question
  const ground =
    at === undefined
      ? await bareGround(question, scratch, signal)
      : await groundOf(context, at, question, signal)
  const policy = await context.work.readPolicy(ground.gitDir, ground.base)
  const spent = new AbortController()
  const both = AbortSignal.any([signal, spent.signal])
  let written: Promise<unknown> = Promise.resolve()
  const about = { task: { repo: task.repo, issue: task.issue }, attempt: task.attempt }
  const onEvent = (event: WorkProgress) => {
    if (isOver(budget, event)) spent.abort(new CommonError('ABORTED', 'The budget is used up.'))
    written = written.then(() => recordProgress(context, about, event))
    written.catch(() => undefined)
  }
  const { gitDir, baseBranch, base, start, issue } = ground
  const result = await context.work.run(
    {
      id: `help-${id.slice(0, 16)}`,
      repo: task.repo,
      issue,
      attempt: task.attempt,
      source: { gitDir, baseBranch, base, ...(start === base ? {} : { resume: start }) },
      policy,
      author: {
        name: `${context.name} (bzzz)`,
        email: `${context.login}@users.noreply.github.com`,
      },
      help: { question: question.question, summary: question.summary, adviceOnly },
    },
    adviceOnly ? withoutChore(ground.instructions) : ground.instructions,
    { signal: both, permit, onEvent },
  )
  try {
    await written
    both.throwIfAborted()
    return await answerOf(context, { at, ground, result, want, adviceOnly }, both)
  } finally {
    await result.dispose()
    if (result.outcome === 'changed') await at?.refs.drop(result.head)
  }
}

/** Words are no reason to run a chore once more: what it does outside would be done twice. */
function withoutChore({ chore: _c, arguments: _a, ...rest }: Instructions): Instructions {
  return rest
}

/** Which limit of the origin is used up; what was not told does not count. */
function isOver(budget: HelpQuestion['budget'], event: WorkProgress): boolean {
  if (event.type !== 'executor.activity' || event.usage === undefined) return false
  const { usage } = event
  return (['inputTokens', 'outputTokens', 'costMicros'] as const).some(
    (kind) => (usage[kind] ?? 0) > (budget[kind] ?? Infinity),
  )
}

async function groundOf(
  context: Context,
  { repo, refs, patches, info }: RepoContext,
  { task, base, diff }: HelpQuestion,
  signal: AbortSignal,
): Promise<Ground> {
  const found = await context.github.issue(repo, task.issue, signal)
  const verdict = await context.gates?.ask(repo, found, signal)
  if (verdict?.is === 'untrusted') throw new Error(`the issue is ${verdict.reason}`)
  const { defaultBranch: baseBranch } = info
  const tip = (await refs.fetchBranches([baseBranch], signal)).get(baseBranch)
  if (tip === undefined) throw new Error(`the branch ${baseBranch} is not there`)
  const from = base ?? tip
  // Rules and checks are read from there: it must be the repository's own.
  if (!oidPattern.test(from) || !(await refs.has(from)) || !(await refs.isAncestor(from, tip)))
    throw new Error('what the work stands on is not in the base branch here')
  const { needs: _n, files: _f, executor: _e, ...instructions } = decodeInstructions(found.body)
  const { number, title, body, labels } = found
  const ground = { gitDir: refs.gitDir, baseBranch, base: from, instructions }
  const issue = { number, title, body, labels: [...labels] }
  if (diff === undefined || patches === undefined) return { ...ground, issue, start: from }
  const applied = await patches.apply(from, diff, signal)
  if (applied.is === 'unfit') throw new Error(`the work so far cannot be used: ${applied.reason}`)
  const commit = { tree: applied.tree, parents: [from], message: 'Work of another agent\n' }
  return { ...ground, issue, start: await refs.commitTree(commit, signal) }
}

/** Where only the question is known. */
async function bareGround(
  { task }: HelpQuestion,
  scratch: Scratch,
  signal: AbortSignal,
): Promise<Ground> {
  const { gitDir, base } = await scratch.open(signal)
  const issue = { number: task.issue, title: '(not known here)', body: '', labels: [] }
  return { gitDir, baseBranch: 'main', base, start: base, issue, instructions: {} }
}

async function answerOf(
  context: Context,
  {
    at,
    ground,
    result,
    want,
    adviceOnly,
  }: {
    at: RepoContext | undefined
    ground: Ground
    result: WorkOutcome
    want: HelpQuestion['want']
    adviceOnly: boolean
  },
  signal: AbortSignal,
): Promise<HelpAnswer> {
  const mask = async (text: string) => (await context.mask?.(text, signal)) ?? text
  const isPatch = result.outcome === 'changed' && !adviceOnly && want.includes('patch')
  if (isPatch && at?.patches !== undefined) {
    await at.refs.adopt(result.gitDir, result.head, signal)
    const patch = await at.patches.between(ground.start, result.head, maxPatch, signal)
    if (patch === '') throw new Error('it changed nothing of the work so far')
    if (patch !== undefined) {
      const note = cutText(await mask(result.summary), maxNote)
      return { form: 'patch', base: ground.start, patch, note }
    }
  }
  const said = result.outcome === 'changed' ? result.summary : (result.said ?? '')
  if (want.includes('advice') && said.trim() !== '')
    return { form: 'advice', text: cutText(await mask(said), maxAdvice) }
  if (result.outcome === 'changed') throw new Error('the patch is too large to be sent')
  throw new Error(`it did not come to an answer: ${result.reason}`.slice(0, 240))
}
