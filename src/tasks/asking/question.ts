/** What a request says: bounded to what the wire takes, as plain text. Pure. */
import type { HelpQuestion } from '../../mesh/index.ts'
import { cutText } from '../checkpoints/text.ts'
import { oneLine } from '../texts.ts'

const maxSummary = 7_500
const maxQuestion = 7_500
const maxBody = 3_000
const maxLine = 300
const maxLines = 20
/** Longest diff that the wire takes, bytes. */
export const maxDiffBytes = 60 * 1024

export interface Words {
  title: string
  body: string
  /** Why the work ended, or what was asked. */
  question: string
  /** The end of the output of each check that failed. */
  checks: readonly { name: string; tail: string }[]
  tried: readonly string[]
  /** What the last executor or agent said of its work. */
  digest?: string
}

/** Neither HTML comments nor control and format characters: what people do not see is not sent. */
const clean = (text: string) =>
  text
    .replace(/<!--[\s\S]*?(?:-->|$)/g, '')
    .replace(/[^\P{Cc}\n\t]|\p{Cf}/gu, '')
    .trim()

export function wordsOf(words: Words): Pick<HelpQuestion, 'summary' | 'question'> {
  const { title, body, checks, tried, digest = '' } = words
  const lines = tried.slice(-maxLines).map((line) => `- ${oneLine(line).slice(0, maxLine)}`)
  const summary = [
    `Issue: ${oneLine(title).slice(0, maxLine)}`,
    cutText(clean(body), maxBody),
    lines.length === 0 ? '' : `What was tried:\n${lines.join('\n')}`,
    clean(digest),
  ]
  const question = [
    clean(words.question),
    ...checks.map(
      ({ name, tail }) => `Check ${oneLine(name)} ends with:\n${clean(tail).slice(-1_500)}`,
    ),
  ]
  const join = (parts: string[], max: number) =>
    cutText(parts.filter((part) => part !== '').join('\n\n'), max)
  return { summary: join(summary, maxSummary), question: join(question, maxQuestion) }
}
