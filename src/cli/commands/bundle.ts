/** `bzzz logs verify FILE`: checks a bundle with its bytes alone: no agent, no home, no network. */
import { open } from 'node:fs/promises'
import { readBundle, type BundleCheck, type ExpectedHead } from '../../journal/index.ts'
import { verifySignature } from '../../mesh/index.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit.ts'
import { table } from '../output/table.ts'
import { clean, count } from '../output/text.ts'
import { verdictOf, verdictStyles } from '../output/verdict.ts'

export async function verifyFile(
  { out, signal }: Context,
  path: string,
  options: { expect?: string | undefined },
): Promise<number> {
  const expected = options.expect === undefined ? undefined : parseHead(options.expect)
  const result = await readBundle(abortable(chunksOf(path), signal), {
    verify: verifySignature,
    expect: expected,
  })
  if (out.json) await out.document(result)
  else if (out.quiet) {
    for (const row of result.journals) if (!row.ok) await out.data(clean(row.agent))
  } else await out.data(draw(result, out, expected))
  return result.ok ? exitCodes.ok : exitCodes.failed
}

/** `KEY/EPOCH/LENGTH/HASH`, as a pull request names it. Errors: `USAGE`. */
export function parseHead(text: string): ExpectedHead {
  const form = /^([0-9a-f]{64})\/(\d{1,15})\/([1-9]\d{0,14})\/([0-9a-f]{64})$/
  const [, key, epoch, length, treeHash] = form.exec(text.trim()) ?? []
  if (key !== undefined && treeHash !== undefined) {
    return { key, epoch: Number(epoch), length: Number(length), treeHash }
  }
  throw new CliError('USAGE', `--expect ${text} names no head of a journal.`, {
    next: 'Copy what stands after “Journal up to there” in the pull request: KEY/EPOCH/LENGTH/HASH.',
  })
}

function draw(
  { journals, absent, problems, entries, ok, task, by, createdMs }: BundleCheck,
  out: Context['out'],
  expected: ExpectedHead | undefined,
): string {
  const view = table<BundleCheck['journals'][number]>(
    [
      { title: 'AGENT', value: (row) => row.agent },
      {
        title: 'RESULT',
        value: verdictOf,
        style: (text, row) => out.style(verdictStyles[verdictOf(row)], text),
      },
      { title: 'GIVEN', value: (row) => row.entries, align: 'right' },
      { title: 'OF', value: (row) => row.length, align: 'right' },
      { title: 'EPOCH', value: (row) => row.epoch, align: 'right' },
      { title: 'KEY', value: (row) => row.key.slice(0, 16) },
      { title: 'PROBLEMS', value: (row) => [...row.problems, ...row.branches].join('; ') || null },
    ],
    journals,
  )
  const about = task === undefined ? '' : ` about ${task.repo ?? ''}#${task.issue}`
  const when = createdMs <= 8.64e15 ? new Date(createdMs).toISOString() : 'an unknown time'
  return [
    view,
    '',
    ...absent.map(({ key, reason }) => `Not in it: ${key.slice(0, 16)}: ${clean(reason)}`),
    ...problems.map((problem) => out.style('red', clean(problem))),
    ...(expected !== undefined && problems.length === 0 ? ['The expected head is in it.'] : []),
    ok
      ? `Proven: ${entries} entries${about} of ${count(journals.length, 'journal')}.`
      : out.style('red', 'Not proven.'),
    `Written by ${clean(by.name)} at ${when}, on its word.`,
  ].join('\n')
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  if (path === '-') {
    yield* process.stdin
    return
  }
  const file = await open(path, 'r').catch((cause: unknown) => unreadable(path, cause))
  try {
    yield* file.createReadStream({ highWaterMark: 256 * 1024 })
  } catch (cause) {
    // A directory opens, and fails when it is read.
    unreadable(path, cause)
  } finally {
    await file.close().catch(() => undefined)
  }
}

function unreadable(path: string, cause: unknown): never {
  throw new CliError('USAGE', `${path} cannot be read.`, {
    data: { path },
    next: 'Name a file that `bzzz logs export` wrote.',
    cause,
  })
}

async function* abortable(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    yield chunk
  }
}
