/** Which sandbox is in force: from what the operator asks for and what was found. Pure. */
import type { SandboxChoice, SandboxState } from '../types.ts'

/** What trying a backend came to. */
export interface Finding {
  kind: 'bubblewrap' | 'landlock' | 'container'
  works: boolean
  /** When it does not: why, one sentence. */
  why: string
  /** When it does not: what to do. */
  next?: string
  lacks: string[]
}

export const NOT_TRIED: SandboxState = {
  kind: 'none',
  off: false,
  why: 'No sandbox was tried yet.',
  lacks: [],
}

/** All that is missing when there is no sandbox. */
const NOTHING = 'Work runs as this user: it can read and write whatever this user can.'

/** Order in which `auto` takes them. A container needs an image, so it is only taken when asked for. */
export const AUTO = ['bubblewrap', 'landlock'] as const

/** The backends to try. */
export function candidates(choice: SandboxChoice): readonly Finding['kind'][] {
  if (choice === 'off') return []
  return choice === 'auto' ? AUTO : [choice]
}

/** In a container nobody can make the namespaces that bubblewrap needs, whatever is installed there. */
const IN_CONTAINER =
  'Nothing to do: in a container, Landlock is the sandbox to have. Where work must open sockets, let each child have a container of its own (`work.sandbox: container`, `work.sandboxImage` and the engine’s socket), or run the agent on a host with bubblewrap.'

/** `contained`: this process is in a container itself. */
export function decideSandbox(
  choice: SandboxChoice,
  findings: readonly Finding[],
  contained = false,
): SandboxState {
  if (choice === 'off') {
    const why = 'The configuration says `work.sandbox: off`.'
    const next = 'Remove `work.sandbox: off` from the configuration.'
    return { kind: 'none', off: true, why, next, lacks: [NOTHING] }
  }
  const works = findings.find((finding) => finding.works)
  const failed = findings.filter((finding) => !finding.works)
  const said = failed.map(({ kind, why }) => `${kind}: ${why}`).join(' ')
  if (works !== undefined) {
    const why = [`${works.kind} works here.`, said].filter((text) => text !== '').join(' ')
    const next = contained && works.kind === 'landlock' ? IN_CONTAINER : failed[0]?.next
    const state: SandboxState = { kind: works.kind, off: false, why, lacks: works.lacks }
    return next === undefined ? state : { ...state, next }
  }
  const useful = contained && choice === 'auto' ? failed.toReversed() : failed
  const next = useful.find((finding) => finding.next !== undefined)?.next
  return {
    kind: 'none',
    off: false,
    why: `No sandbox works here. ${said}`.trim(),
    next: `${next ?? 'Use Linux with bubblewrap or Landlock.'} Or, if nobody else can write issues, set \`work.sandbox: off\`.`,
    lacks: [NOTHING],
  }
}
