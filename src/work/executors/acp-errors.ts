/**
 * What a failed request of an ACP agent means. Pure. The protocol has one code of its own for this (sign
 * in first, -32000); limits of the model come as each agent likes, which was read from their sources
 * in 2026: Gemini and Qwen answer with the HTTP status as the code; Claude's adapter puts the kind
 * into `data.errorKind`, Codex's into `data.codexErrorInfo`; others only into the text. When it may be
 * asked again is looked for in the same places.
 */
import { RequestError } from '@agentclientprotocol/sdk'
import { z } from 'zod'
import { CommonError, explain, hasCode } from '../../util/index.ts'
import { visible } from '../clean.ts'
import type { TurnResult } from '../executor.ts'

export type Ending = Pick<TurnResult, 'outcome' | 'reason' | 'usage' | 'retryAt'>

export const fail = (reason: string): Ending => ({ outcome: 'failed', reason })
export const environment = (reason: string): Ending => ({ outcome: 'environment', reason })

/** What this client refuses of an agent; `flood`: too much of it. */
export class AcpRefusal extends Error {
  readonly outcome: Ending['outcome']

  constructor(message: string, outcome: Ending['outcome'] = 'failed') {
    super(message)
    this.outcome = outcome
  }
}

/** The model that a task names cannot be had of it: no fault of the task, nor of this machine. */
export class NoSuchModel extends Error {}

const AUTH_REQUIRED = -32000
const DAY_MS = 86_400_000
/** Later than this no model says; a time beyond it is a mistake, or no time. */
const MAX_WAIT_MS = 32 * DAY_MS

const word = z.string().max(200)
const infoSchema = z
  .object({
    errorKind: word.optional().catch(undefined),
    /** A word, or an object with the word as its only key. */
    codexErrorInfo: z
      .union([word, z.record(z.string(), z.unknown())])
      .optional()
      .catch(undefined),
    code: z.union([word, z.number()]).optional().catch(undefined),
    status: z.union([word, z.number()]).optional().catch(undefined),
    type: word.optional().catch(undefined),
    /** Seconds. */
    retryAfter: z.coerce.number().min(0).optional().catch(undefined),
    retry_after: z.coerce.number().min(0).optional().catch(undefined),
    /** Seconds since 1970. */
    resetsAt: z.number().min(0).optional().catch(undefined),
    resets_at: z.number().min(0).optional().catch(undefined),
    details: z.unknown(),
    message: word.optional().catch(undefined),
  })
  .partial()

const LIMIT_WORD =
  /^(?:rate_?limit(?:ed|_error|_exceeded|Exceeded)?|billing_error|overloaded(?:_error)?|serverOverloaded|usage_?limit(?:_reached|_exceeded|Exceeded)?|insufficient_quota|quota_exhausted|quota_exceeded|resource_exhausted|429|529)$/i
const LOGIN_WORD =
  /^(?:authentication_failed|authentication_error|oauth_org_not_allowed|unauthorized|auth_required|permission_error|invalid_api_key|401|403)$/i
const MACHINE_WORD = /^(?:model_not_found|httpConnectionFailed|sandboxError|404)$/i
const LIMIT_TEXT =
  /\b(?:rate[ -]?limit|usage limit|too many requests|quota|resource[_ ]exhausted|overloaded|out of credits|credit balance is too low|limit reached)\b|\b(?:429|529)\b/i
const LOGIN_TEXT =
  /\b(?:authentication required|not (?:logged|signed) in|please run \/?login|invalid api key|unauthori[sz]ed|api key is missing)\b|\b401\b/i
const MACHINE_TEXT =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ENOSPC|EROFS|CERT_\w+|fetch failed|self.signed certificate|(?:unable to|cannot|could not) connect|connection (?:refused|error)|network error|socket hang up)\b/i

export interface ErrorContext {
  /** Before the first prompt was sent: whatever fails then is no fault of the task. */
  before: boolean
  /** Wall clock, ms since 1970. */
  now: number
  /** When a limit ends that the agent told of while it worked, ms since 1970. */
  resetsAt?: number | undefined
  /** What to type to sign in. */
  login?: string | undefined
}

/** The ending of a turn whose request failed; undefined when the connection is gone, which says nothing. */
export function endingOf(error: unknown, context: ErrorContext): Ending | undefined {
  const failed = context.before ? environment : fail
  if (error instanceof AcpRefusal) {
    if (error.outcome === 'failed') return failed(error.message)
    return { outcome: error.outcome, reason: error.message }
  }
  if (error instanceof NoSuchModel) return { outcome: 'unsuited', reason: error.message }
  if (error instanceof RequestError) return requestEnding(error, context)
  if (hasCode(error, 'ABORTED')) return { outcome: 'aborted', reason: 'It was stopped.' }
  if (error instanceof CommonError && hasCode(error, 'DEADLINE')) {
    return failed(`It did not answer: ${explain(error)}`)
  }
  return undefined
}

function requestEnding(error: RequestError, context: ErrorContext): Ending {
  const text = visible(error.message).slice(0, 500)
  const info = infoSchema.safeParse(error.data).data ?? {}
  const words = wordsOf(error.code, info)
  const is = (form: RegExp) => words.some((one) => form.test(one))
  // Words of a kind come before texts, and a wrong login before a limit: it passes by no waiting.
  const told = is(LOGIN_WORD) || is(LIMIT_WORD) || is(MACHINE_WORD)
  const detail = `${text} ${typeof info.details === 'string' ? info.details.slice(0, 1_000) : ''}`
  if (error.code === AUTH_REQUIRED || is(LOGIN_WORD) || (!told && LOGIN_TEXT.test(detail))) {
    const how =
      context.login === undefined
        ? 'log in with it, and give it `home: user`'
        : `type: ${context.login}`
    return environment(`It needs a login first (${text}); ${how}.`)
  }
  if (is(LIMIT_WORD) || (!told && LIMIT_TEXT.test(detail))) {
    const retryAt = retryTime(info, detail, context)
    const reason = `Its model takes no more now: ${text}`
    return { outcome: 'quota', reason, ...(retryAt === undefined ? {} : { retryAt }) }
  }
  if (is(MACHINE_WORD) || (!told && MACHINE_TEXT.test(detail))) {
    return environment(`It cannot work here: ${text} (${error.code}).`)
  }
  return (context.before ? environment : fail)(`It refused a request: ${text} (${error.code}).`)
}

function wordsOf(code: number, info: z.output<typeof infoSchema>): string[] {
  const { errorKind, codexErrorInfo, type } = info
  const codex =
    typeof codexErrorInfo === 'string' ? [codexErrorInfo] : Object.keys(codexErrorInfo ?? {})
  const all = [String(code), errorKind, type, info.code, info.status, ...codex.slice(0, 5)]
  return all.flatMap((one) => (one === undefined ? [] : [String(one)]))
}

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS }

/** When it may be asked again, as far as anything says so. */
function retryTime(
  info: z.output<typeof infoSchema>,
  text: string,
  { now, resetsAt }: ErrorContext,
): number | undefined {
  const after = info.retryAfter ?? info.retry_after
  const at = info.resetsAt ?? info.resets_at
  const [, stamp] = /\|(\d{10})\b/.exec(text) ?? []
  const [, amount, unit] =
    /\b(?:in|after)\s+(\d{1,6}(?:\.\d+)?)\s*(s|m|h|d)(?:ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?|ays?)?\b/i.exec(
      text,
    ) ?? []
  const [, iso] =
    /\b(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))/.exec(text) ?? []
  const times = [
    after === undefined ? undefined : now + after * 1_000,
    at === undefined ? undefined : at * 1_000,
    stamp === undefined ? undefined : Number(stamp) * 1_000,
    iso === undefined ? undefined : Date.parse(iso),
    amount === undefined
      ? undefined
      : now + Number(amount) * (unitsMs[(unit ?? 's').toLowerCase()] ?? 1_000),
    resetsAt,
  ]
  return times.find((time) => time !== undefined && time > now && time < now + MAX_WAIT_MS)
}
