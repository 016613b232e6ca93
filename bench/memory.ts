/**
 * What an idle agent costs in memory, alone in its mesh, 20 s after it is up: an observer, and a
 * worker with one repository on an embedded forge. Yardstick: a process with a bare libp2p node
 * with the same transports and services. RSS counts every page; PSS shares those that several
 * processes map (Linux).
 *
 *   node bench/memory.ts [processes of each kind]
 */
import { readFile } from 'node:fs/promises'
import type { Guest } from '../src/process/index.ts'
import { sleep } from '../src/util/index.ts'
import { newMeshName, prepareAgent, startAgent, startBareNode, stopAll } from './agents.ts'
import { startForge } from './forge.ts'
import { argument, bench, type Bench, type Samples } from './lib.ts'

const idleMs = 20_000
const rounds = argument(0, { min: 1, max: 10, usual: 3 })

const names = {
  bare: 'bare libp2p node',
  observer: 'bzzz up, observer',
  worker: 'bzzz up, worker',
}

async function start(bench: Bench, repo: string, forge: { apiUrl: string; token: string }) {
  const bare = startBareNode(bench, { peers: 1 })
  await bare.says()
  const observer = startAgent(
    bench,
    await prepareAgent(bench, { name: 'observer', meshName: newMeshName(), role: 'observer' }),
  )
  await observer.up
  const { apiUrl, token } = forge
  const config = { github: { apiUrl, repos: [repo] }, work: { use: ['command'] } }
  const worker = startAgent(
    bench,
    await prepareAgent(bench, {
      name: 'worker',
      meshName: newMeshName(),
      role: 'worker',
      config,
      token,
    }),
  )
  await worker.up
  return { bare: bare.guest, observer: observer.guest, worker: worker.guest }
}

/** A field of a file in /proc of a process, MiB; undefined where there is none. */
async function field({ pid }: Guest, file: string, name: string): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
  return kib === undefined ? undefined : Number(kib) / 1_024
}

await bench({ name: 'memory', budgetMs: 40_000, deadlineMs: 80_000 }, async (context) => {
  const forge = await startForge(context, { users: ['worker'] })
  const repo = await forge.repository('idle', { 'README.md': 'Nothing to do.\n' })
  const kinds = ['bare', 'observer', 'worker'] as const
  const started: Awaited<ReturnType<typeof start>>[] = []
  try {
    // The first start of all fills the compile cache, which takes memory, too.
    const first = await start(context, repo, { apiUrl: forge.apiUrl, token: forge.token('worker') })
    await stopAll(Object.values(first))
    for (let round = 0; round < rounds && (round === 0 || context.used() < 0.5); round += 1) {
      started.push(
        await start(context, repo, { apiUrl: forge.apiUrl, token: forge.token('worker') }),
      )
      context.note(`${started.length * 3} of ${rounds * 3} processes are up`)
    }
    await sleep(idleMs, { signal: context.signal })
    const rss: Samples = {}
    const pss: Samples = {}
    for (const all of started) {
      for (const kind of kinds) {
        const resident = await field(all[kind], 'status', 'VmRSS')
        const shared = await field(all[kind], 'smaps_rollup', 'Pss')
        if (resident !== undefined) (rss[names[kind]] ??= []).push(resident)
        if (shared !== undefined) (pss[names[kind]] ??= []).push(shared)
      }
    }
    const unit = 'MiB'
    const yardstick = names.bare
    const parts = [
      { title: 'RSS of an idle process', unit, yardstick, samples: rss },
      { title: 'PSS of an idle process', unit, yardstick, samples: pss },
    ].filter(({ samples }) => Object.keys(samples).length === kinds.length)
    if (parts.length === 0) throw new Error('This system has no /proc to read memory from.')
    return {
      parts,
      notes: [
        `${started.length} processes of each kind at once, each alone in its mesh, read ${idleMs / 1_000} s after the last was up.`,
        'The small shell that ends an agent’s children if it is killed is a process of its own and not counted.',
      ],
      facts: { rounds, idleMs },
    }
  } finally {
    await forge.stop()
  }
})
