/** Commands in comments: `/bzzz retry`, `stop`, `release`, `ask …` at the beginning of one. Pure. */

export type Command =
  | { is: 'retry' | 'stop' | 'release' }
  | { is: 'ask'; question: string }
  /** Meant for us, and not understood. */
  | { is: 'unknown'; word: string }

/** Longest question, characters. */
const maxQuestion = 2_000

/** Undefined when the comment commands nothing. Only its first line is looked at, and of `ask` all of it. */
export function parseCommand(body: string): Command | undefined {
  const text = body.trimStart()
  const [line = ''] = text.split(/\r?\n/, 1)
  const [, word = '', more = ''] = /^\/bzzz(?:[ \t]+(\S{1,50})(.*))?[ \t]*$/i.exec(line) ?? []
  if (!/^\/bzzz(\s|$)/i.test(line)) return undefined
  const is = word.toLowerCase()
  if (is === 'retry' || is === 'stop' || is === 'release') return { is }
  if (is !== 'ask') return { is: 'unknown', word: word.slice(0, 50) }
  const question = `${more}${text.slice(line.length)}`.trim().slice(0, maxQuestion)
  return question === '' ? { is: 'unknown', word: 'ask' } : { is, question }
}
