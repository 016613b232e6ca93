/**
 * What is answered to commands in comments. Pure. Each reply names the comment that it answers: so it is
 * written once, whatever happens between it and the reaction. None begins with a command, whatever it quotes.
 */
import { code, fenced } from '../texts.ts'

export const replies = {
  notYet: () => 'Agents answer no questions here (`help.ask` is off). Yours is in the journal.',
  notHeld: () => 'No agent works on this now, so there is nothing to hand back.',
  worked: (agent: string) =>
    `${code(agent)} works on this already. \`/bzzz stop\` ends that, \`/bzzz release\` lets another agent take it.`,
  nothingOpen: () =>
    'There is nothing to do here now: no review asks for changes, no check has failed, and there is no conflict with the base. Ask for changes in a review, and a round begins by itself.',
  noRounds: () =>
    'Agents make no rounds on pull requests here (`github.maxRounds` is 0). Close the pull request and write `/bzzz retry` on the issue to have it worked anew.',
  stopped: (who: string, label: string) =>
    `${code(who)} stopped this. No agent works on it as long as the label ${code(label)} is there; \`/bzzz retry\` in a comment goes on, and so does taking the label off.`,
  unknown: (word: string) =>
    [
      word === '' ? 'That is no command.' : `${code(word)} is no command.`,
      'I know `/bzzz retry`, `/bzzz stop`, `/bzzz release` and `/bzzz ask QUESTION`.',
    ].join(' '),
} as const

const markOf = (comment: number) => `In answer to comment ${comment}.`

export function replyTo(comment: number, agent: string, text: string): string {
  const safe = /^\s*\/bzzz/i.test(text) ? fenced(text) : text
  return [safe, '', '---', `Agent ${code(agent)}. ${markOf(comment)}`].join('\n')
}

/** Whether one of these texts answers the comment. */
export const isAnswered = (comment: number, bodies: readonly string[]): boolean =>
  bodies.some((body) => body.trimEnd().endsWith(markOf(comment)))
