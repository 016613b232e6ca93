/**
 * Keeping unfinished work once, from the files to the remote's refs: collected into a directory that no
 * executor has written to, put on the branch, and pushed together with a renewal of the claim; against
 * `git add -A && git commit && git push` by hand in a clone. One file of 100 lines changes each time, in
 * a repository of 20 and in one of 10,000 files. The remote is a bare repository on the same disk.
 *
 *   node bench/checkpoint.ts [rounds]
 */
import { generateKeyPairSync, sign as edSign } from 'node:crypto'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createGit, type Git } from '../src/process/index.ts'
import { createLease } from '../src/tasks/attempt/lease.ts'
import { createKeep } from '../src/tasks/checkpoints/keep.ts'
import { createClaims } from '../src/tasks/claim/claims.ts'
import { openRepository } from '../src/tasks/claim/repository.ts'
import type { Context, Held, Job } from '../src/tasks/context.ts'
import { nullLogger, systemClock } from '../src/util/index.ts'
import { collect } from '../src/work/collect.ts'
import { createWorkspaces } from '../src/work/workspace.ts'
import { argument, bench, interleave, median, timed, type Bench, type Part } from './lib.ts'

const rounds = argument(0, { min: 2, max: 200, usual: 12 })
const repo = 'octo/lib'
const byHand = 'add, commit, push'
const kept = 'checkpoint'
const first = 'first checkpoint'
const identity = {
  GIT_AUTHOR_NAME: 'ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
}

/** Bytes of all files below a directory. */
async function sizeOf(dir: string): Promise<number> {
  const files = await readdir(dir, { recursive: true, withFileTypes: true })
  const sizes = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath, file.name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

const linesOf = (seed: number) =>
  Array.from({ length: 100 }, (_, n) => `line ${n} of ${seed}\n`).join('')

async function scene({ dir: root }: Bench, git: Git, files: number) {
  const dir = join(root, `files-${files}`)
  const hand = join(dir, 'hand')
  await mkdir(hand, { recursive: true })
  const inHand = (...args: string[]) =>
    git(args, { cwd: hand, env: identity, allowFile: true, timeoutMs: 120_000 })
  for (let n = 0; n < files; n += 1) {
    if (n % 100 === 0) await mkdir(join(hand, `d${n / 100}`))
    await writeFile(join(hand, `d${Math.floor(n / 100)}/f${n}.txt`), linesOf(n).slice(0, 1_000))
  }
  await inHand('init', '--quiet', '--initial-branch=main')
  await inHand('add', '-A')
  await inHand('commit', '--quiet', '-m', 'base')
  const remote = join(dir, 'remote.git')
  await git(['clone', '--quiet', '--bare', hand, remote], { cwd: dir, allowFile: true })
  // Otherwise it would tidy up in between.
  await git(['config', 'receive.autogc', 'false'], { cwd: remote })
  await inHand('remote', 'add', 'origin', remote)
  const base = (await inHand('rev-parse', 'HEAD')).trim()

  const store = join(dir, 'store.git')
  const counted = { pushes: 0 }
  const refs = await openRepository(
    { gitDir: store, url: pathToFileURL(remote).href, token: 'x', refPrefix: 'refs/bzzz/claims/' },
    {
      git: (args, { auth: _a, ...options }) => {
        if (args[0] === 'push') counted.pushes += 1
        return git(args, { ...options, allowFile: true })
      },
    },
  )
  const signal = new AbortController().signal
  await refs.fetchBranches(['main'], signal)
  const { privateKey } = generateKeyPairSync('ed25519')
  const claims = createClaims(
    refs,
    'refs/bzzz/claims/',
    { name: 'ada', login: 'ada', incarnation: '0'.repeat(32), leaseMs: 600_000 },
    {
      signer: { peerId: 'ada', sign: async (data) => edSign(null, data, privateKey) },
      verify: async () => true,
    },
  )
  const about = { repo, issue: 7, attempt: 1 }
  const start = { ...about, strikes: 0, previous: null, state: 'held' as const }
  const won = await claims.move(await claims.prepare(start), [], signal)
  if (won.is !== 'won') throw new Error('the claim was not won')
  const onRenewed = async () => undefined
  const lease = createLease(won.claim, { claims, logger: nullLogger, onRenewed })
  const issue = { number: 7, title: 'Change a file', body: '', labels: [] }
  const place = { repo, refs, claims, info: { defaultBranch: 'main' } }
  const held = { job: { place, issue, attempt: 1, base } as unknown as Job, lease, signal } as Held
  const context = {
    settings: { branchPrefix: 'bzzz/issue-' },
    journal: { append: async () => ({ seq: 0 }) },
    logger: nullLogger,
    clock: systemClock,
  } as unknown as Context
  const keep = createKeep(context, held, { branchTip: null, start: base })

  const order = {
    id: `bench-${files}`,
    ...about,
    issue,
    source: { gitDir: store, baseBranch: 'main', base },
    author: { name: 'ada', email: 'ada@example.org' },
  }
  const workspaces = createWorkspaces(join(dir, 'work'), { git, logger: nullLogger })
  const workspace = await workspaces.create(order as never, signal)
  const limits = { maxDiffBytes: 20 * 1024 * 1024, maxFiles: 5_000 }
  const reuse: { gitDir: string | undefined } = { gitDir: undefined }
  const added: Record<string, number[]> = { [byHand]: [], [kept]: [] }

  async function measure(name: string, step: () => Promise<unknown>): Promise<number> {
    const before = await sizeOf(join(remote, 'objects'))
    const ms = await timed(step)
    added[name]?.push((await sizeOf(join(remote, 'objects'))) - before)
    return ms
  }

  return {
    counted,
    added,
    byHand: async (round: number) => {
      await writeFile(join(hand, 'd0/f1.txt'), linesOf(round + 1_000))
      return measure(byHand, async () => {
        await inHand('add', '-A')
        await inHand('commit', '--quiet', '-m', 'so far')
        await inHand('push', '--quiet', 'origin', 'HEAD:refs/heads/by-hand')
      })
    },
    checkpoint: async (round: number) => {
      await writeFile(join(workspace.clone, 'd0/f1.txt'), linesOf(round + 1_000_000))
      return measure(kept, async () => {
        const init = { order, workspace, limits, now: Date.now(), checkpoint: true, reuse }
        const { gitDir, head } = await collect(init, git, signal)
        const size = { files: 1, bytes: 1, notes: [], digest: 'so far', why: 'timer' as const }
        const used = { wallMs: 1, turns: 1 }
        const answer = await keep({ gitDir, head, ...size, used }, signal)
        if (answer !== 'kept') throw new Error(`the checkpoint was not kept: ${answer}`)
      })
    },
    forget: () => {
      reuse.gitDir = undefined
    },
  }
}

await bench({ name: 'checkpoint', budgetMs: 150_000, deadlineMs: 300_000 }, async (context) => {
  const git = createGit({ processes: context.processes })
  const parts: Part[] = []
  const notes: string[] = []
  const facts: Record<string, unknown> = {}
  for (const files of [20, 10_000]) {
    const at = await scene(context, git, files)
    context.note(`${files} files`)
    const before = at.counted.pushes
    let taken = 0
    const samples = await interleave(context, rounds, {
      [byHand]: at.byHand,
      [first]: (round) => {
        at.forget()
        taken += 1
        return at.checkpoint(2 * round)
      },
      [kept]: (round) => {
        taken += 1
        return at.checkpoint(2 * round + 1)
      },
    })
    parts.push({ title: `one file of ${files} changed`, unit: 'ms', yardstick: byHand, samples })
    const pushes = (at.counted.pushes - before) / taken
    const bytes = { [byHand]: median(at.added[byHand] ?? []), [kept]: median(at.added[kept] ?? []) }
    facts[`files-${files}`] = { pushes, bytes }
    notes.push(
      `${files} files: ${pushes} push for a checkpoint, which is a renewal, too; the remote grew by ${bytes[kept]} bytes for each, and by ${bytes[byHand]} by hand.`,
    )
  }
  notes.push(
    'The first checkpoint of a run reads every file, as every collection for a publication does; later ones ask only which files have changed. Without the network, the search for secrets and the journal.',
  )
  return { parts, notes, facts }
})
