/**
 * Agents with one rule of the protocol broken, to show that the checkers see it. Each wraps a part of
 * the real agent; nothing in `src` knows of them. `npm run chaos:claims -- --mutant NAME` runs one.
 */
import type { ClaimRepository } from '../../../src/tasks/claim/repository-types.ts'
import { unlimited } from '../../../src/util/index.ts'
import type { Mutation } from './agent.ts'
import type { World } from './world.ts'

/** Moves the refs whatever they hold by now. */
function forcing(refs: ClaimRepository, world: World): ClaimRepository {
  return {
    ...refs,
    push: (updates, signal) =>
      refs.push(
        updates.map((one) => ({ ...one, expected: world.server.ref(one.ref) ?? null })),
        signal,
      ),
  }
}

export const mutants = {
  /** Works on though its lease has run out, or is another's. */
  'endless lease': {
    work: (work) => ({
      ...work,
      run: (order, instructions, { onEvent }) =>
        work.run(order, instructions, {
          signal: new AbortController().signal,
          permit: unlimited,
          onEvent,
        }),
    }),
  },
  /** Believes that the lease of whoever holds the claim has run out. */
  'impatient taker': {
    claims: (claims) => ({
      ...claims,
      async decode(...raw) {
        const tip = await claims.decode(...raw)
        return tip.is === 'record'
          ? { ...tip, record: { ...tip.record, leaseMs: -1_000_000 } }
          : tip
      },
    }),
  },
  /** Publishes whoever holds the claim by now. */
  'no fence': {
    refs: (refs, world) => {
      const forced = forcing(refs, world)
      return {
        ...refs,
        push: (updates, signal) =>
          updates.length > 1 ? forced.push(updates, signal) : refs.push(updates, signal),
      }
    },
  },
  /** Takes an answer for the truth: nothing is read back. */
  'decided by status': {
    refs: (refs) => ({
      ...refs,
      async push(updates, signal) {
        await refs.push(updates, signal)
        return { is: 'moved' }
      },
    }),
  },
  /** Moves the branch first and the claim after. */
  'two pushes': {
    refs: (refs) => ({
      ...refs,
      async push(updates, signal) {
        const branches = updates.filter(({ ref }) => ref.startsWith('refs/heads/'))
        if (branches.length > 0) await refs.push(branches, signal)
        return refs.push(
          updates.filter((one) => !branches.includes(one)),
          signal,
        )
      },
    }),
  },
  /** Takes whoever is assigned off, as if all were of the mesh. */
  'takes people off': {
    github: (github) => ({
      ...github,
      openIssues: async (...of) =>
        (await github.openIssues(...of)).map((issue) => ({ ...issue, assignees: [] })),
      async assign(repo, issue, login, signal) {
        const after = await github.assign(repo, issue, login, signal)
        for (const other of after.assignees.filter((one) => one !== login))
          await github.unassign(repo, issue, other, signal)
        return { ...after, assignees: [login] }
      },
    }),
  },
  /** Begins to work before the journal says that the claim was won. */
  'journal after work': {
    journal: (journal) => ({
      ...journal,
      append: (entry, options) =>
        entry.type === 'claim.won'
          ? Promise.resolve({ ...entry, v: 1, epoch: 0, seq: 0, time: 0 })
          : journal.append(entry, options),
    }),
  },
  /** Does not see what rounds before were about. */
  'forgets rounds': {
    claims: (claims) => ({
      ...claims,
      async decode(...raw) {
        const tip = await claims.decode(...raw)
        if (tip.is !== 'record') return tip
        const { round } = tip.record
        const shown = round === undefined ? {} : { round: 1, feedback: [] }
        return { ...tip, record: { ...tip.record, ...shown } }
      },
    }),
  },
  /** Never lets frozen work go on. */
  'no resume': {
    work: (work) => ({
      ...work,
      run: (order, instructions, { signal, permit, onEvent }) => {
        let frozen = permit.frozen
        const stuck = {
          get frozen() {
            frozen ||= permit.frozen
            return frozen
          },
          until: Infinity,
          frozenMs: () => permit.frozenMs(),
          watch: (listener: () => void) => permit.watch(listener),
        }
        return work.run(order, instructions, { signal, permit: stuck, onEvent })
      },
    }),
  },
  /** Begins anew whatever an earlier attempt has left. */
  'forgets checkpoints': {
    work: (work) => ({
      ...work,
      run({ source: { gitDir, baseBranch, base }, ...order }, ...more) {
        return work.run({ ...order, source: { gitDir, baseBranch, base } }, ...more)
      },
    }),
  },
  /** Takes a claim that was handed to another for one that was let go. */
  'takes what is not its own': {
    claims: (claims) => ({
      ...claims,
      async decode(...raw) {
        const tip = await claims.decode(...raw)
        if (tip.is !== 'record' || tip.record.state !== 'handed') return tip
        return { ...tip, record: { ...tip.record, state: 'released' } }
      },
    }),
  },
  /** Takes what an old replica shows of the branch for what it holds. */
  'believes old branches': {
    refs: (refs) => ({
      ...refs,
      fetchBranches: (branches, signal) => refs.fetchBranches(branches, signal),
    }),
  },
} satisfies Record<string, Mutation>

export type Mutant = keyof typeof mutants
export const isMutant = (name: string): name is Mutant => Object.hasOwn(mutants, name)
