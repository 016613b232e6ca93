/** Cuts secrets out of a text that is about to leave, in every form that `forms.ts` knows. */
import { formsOf } from './forms.ts'
import { HIDDEN, type Secret } from './secret.ts'

/**
 * `text` with every form of every secret replaced by "[secret]". A secret of fewer than 4
 * characters is left alone: it hides nothing and would shred the text.
 */
export function redact(text: string, secrets: Iterable<Secret>): string {
  const forms = new Set<string>()
  for (const secret of secrets) for (const form of formsOf(secret.reveal())) forms.add(form)
  const longestFirst = [...forms].sort((a, b) => b.length - a.length)
  return longestFirst.reduce((redacted, form) => redacted.replaceAll(form, HIDDEN), text)
}
