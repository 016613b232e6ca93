/** Routes of help among peers: what was asked, the tree of one request, to ask, and to answer. */
import { Hono } from 'hono'
import type { EntryType } from '../../journal/entries.ts'
import { CodedError } from '../../util/index.ts'
import { body } from '../body.ts'
import { envelopeOf } from '../envelope.ts'
import { ApiError } from '../errors.ts'
import { parameters, taskPathSchema } from '../parameters.ts'
import { ndjsonResponse } from '../stream.ts'
import type { ApiSources } from '../types.ts'
import { entryTypes } from '../vocabulary.ts'
import { adviceSchema, askListSchema, askPathSchema, wantedOf, wantedSchema } from './schemas.ts'
import type { AskRow, AskShown } from './types.ts'

/** Entries about one request: 16 peers at each of 4 hops write some ten each. */
const MAX_ENTRIES = 5_000
/** Requests among which an id is looked for. */
const MAX_ROWS = 1_000
/** Advice in JSON, bytes: at most 6 for a character. */
const MAX_ADVICE_BYTES = 256 * 1024

const helpTypes = entryTypes.filter((type): type is EntryType & `help.${string}` =>
  type.startsWith('help.'),
)

export interface HelpRoutesComponents {
  stop: AbortSignal
  onError: (error: unknown) => void
}

export function helpRoutes(
  sources: Pick<ApiSources, 'help' | 'logs'>,
  { stop, onError }: HelpRoutesComponents,
): Hono {
  const api = new Hono()
  const { help } = sources

  api.get('/asks', async (context) => {
    const { last } = parameters(askListSchema, context.req.query())
    return context.json(await help.list(last))
  })
  api.get('/asks/:id', async (context) => {
    const { id: given } = parameters(askPathSchema, context.req.param())
    const { id, row } = await find(sources, given)
    const tree = (await help.show(id)) ?? null
    const entries = await entriesOf(sources, id, context.req.raw.signal)
    if (row === undefined && tree === null && entries.length === 0) throw unknown(given)
    return context.json({ row: row ?? null, tree, entries } satisfies AskShown)
  })
  api.post('/asks/:id/answer', async (context) => {
    const { id: given } = parameters(askPathSchema, context.req.param())
    const { text } = parameters(adviceSchema, await body(context.req, MAX_ADVICE_BYTES))
    const { id } = await find(sources, given)
    await help.answer(id, text)
    return context.json({ id, answered: true })
  })
  api.post('/tasks/:owner/:repo/:issue/ask', async (context) => {
    const { owner, repo, issue } = context.req.param()
    const ref = parameters(taskPathSchema, { repo: `${owner}/${repo}`, issue })
    const wanted = wantedOf(parameters(wantedSchema, await body(context.req)))
    const open = (signal: AbortSignal) => replied(() => help.send(ref, wanted, signal))
    return ndjsonResponse({ open, stop, onError })
  })
  return api
}

/**
 * One line when it has ended; until then the empty lines of a stream say that it is waited for. What is
 * wrong with the request is its answer, and no fault of ours.
 */
export async function* replied(work: () => Promise<object>): AsyncGenerator<object> {
  try {
    yield { type: 'reply', reply: await work() }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    yield envelopeOf(error)
  }
}

/** A whole id, known or not, or the beginning of a known one. Errors: `ASK_UNKNOWN`, `ASK_AMBIGUOUS`. */
async function find(
  { help }: Pick<ApiSources, 'help'>,
  given: string,
): Promise<{ id: string; row?: AskRow }> {
  const found = (await help.list(MAX_ROWS)).filter(({ id }) => id.startsWith(given))
  const [row] = found
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).slice(0, 20)
    throw new ApiError('ASK_AMBIGUOUS', `Several requests begin with ${given}.`, {
      data: { ids },
      next: 'Write more of its id: `bzzz -q ask ls` prints them whole.',
    })
  }
  if (row !== undefined) return { id: row.id, row }
  if (given.length === 32) return { id: given }
  throw unknown(given)
}

async function entriesOf(
  { logs }: Pick<ApiSources, 'logs'>,
  id: string,
  signal: AbortSignal,
): Promise<AskShown['entries']> {
  const found: AskShown['entries'] = []
  for await (const entry of logs({ types: helpTypes }, signal)) {
    if (!('id' in entry) || entry.id !== id) continue
    found.push(entry)
    if (found.length >= MAX_ENTRIES) break
  }
  return found
}

const unknown = (id: string) =>
  new ApiError('ASK_UNKNOWN', `No request for help ${id} is known here.`, {
    data: { id },
    next: 'List the requests with `bzzz ask ls`.',
  })
