/** What is asked of the mesh, as people and executors send it: hostile until decoded here. */
import { z } from 'zod'

/** Longest question, characters. */
const MAX_QUESTION = 4_000
/** Longest advice of a person, characters: what one message of help takes. */
export const MAX_ADVICE = 32_000

const filled = (max: number) =>
  z
    .string()
    .max(max, `is longer than ${max} characters`)
    .refine((text) => text.trim() !== '', 'is empty')

export const wantedFields = {
  question: filled(MAX_QUESTION),
  needs: z
    .array(z.string().regex(/^[\w.:+@/#-]{1,64}$/, 'must be a word'))
    .max(20)
    .optional(),
  want: z
    .array(z.enum(['patch', 'advice', 'takeover']))
    .min(1)
    .max(3)
    .optional(),
} as const

export const wantedSchema = z.strictObject(wantedFields)
export const adviceSchema = z.strictObject({ text: filled(MAX_ADVICE) })
export const askPathSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{4,32}$/, 'must be 4 to 32 hexadecimal digits'),
})
export const askListSchema = z.strictObject({
  last: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a number up to 999')
    .transform(Number)
    .optional(),
})

/** Without the members that are absent, as exact optional types want it. */
export function wantedOf({ question, needs, want }: z.infer<typeof wantedSchema>) {
  return {
    question,
    ...(needs === undefined ? {} : { needs }),
    ...(want === undefined ? {} : { want }),
  }
}
