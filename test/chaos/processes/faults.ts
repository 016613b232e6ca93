/** The faults of a run: everything that a network and GitHub do, often enough that every task meets some. */
import type { ForgeFaultHandle, ForgeFaultRule, ForgeFaults } from '../../../src/forge/index.ts'

const pushes = /\.git\/git-receive-pack$/
const fetches = /\.git\/(git-upload-pack|info\/refs)$/
const api = /^\/(repos|user|graphql)\b/
const writes = ['POST', 'PATCH', 'PUT', 'DELETE']

/** Of the share of requests that they meet. */
const rules: Record<string, ForgeFaultRule> = {
  'slow answer': { fault: { kind: 'latency', ms: 120 }, probability: 0.3 },
  'very slow answer': { fault: { kind: 'latency', ms: 1_500 }, probability: 0.03 },
  'push: 502, applied': {
    fault: { kind: 'error', when: 'after' },
    path: pushes,
    probability: 0.04,
  },
  'push: 502, not applied': {
    fault: { kind: 'error', when: 'before' },
    path: pushes,
    probability: 0.03,
  },
  'push: cut, applied': { fault: { kind: 'drop', when: 'after' }, path: pushes, probability: 0.04 },
  'push: cut, not applied': {
    fault: { kind: 'drop', when: 'before' },
    path: pushes,
    probability: 0.03,
  },
  'fetch: 502': { fault: { kind: 'error', when: 'before' }, path: fetches, probability: 0.02 },
  'secondary limit': {
    fault: { kind: 'secondary-limit', retryAfterS: 2 },
    path: api,
    probability: 0.004,
  },
  'write: 502, applied': {
    fault: { kind: 'error', when: 'after' },
    path: api,
    method: writes,
    probability: 0.04,
  },
  'write: 502, not applied': {
    fault: { kind: 'error', when: 'before' },
    path: api,
    method: writes,
    probability: 0.04,
  },
  'write: cut, applied': {
    fault: { kind: 'drop', when: 'after' },
    path: api,
    method: writes,
    probability: 0.03,
  },
  'write: cut, not applied': {
    fault: { kind: 'drop', when: 'before' },
    path: api,
    method: writes,
    probability: 0.02,
  },
  'read: 502': {
    fault: { kind: 'error', when: 'before' },
    path: api,
    method: 'GET',
    probability: 0.02,
  },
  'stale read': { fault: { kind: 'stale', ms: 4_000 }, path: api, probability: 0.1 },
}

export interface RunningFaults {
  /** Requests that each fault has met so far. */
  hits(): Record<string, number>
  /** From now on nothing goes wrong. */
  calm(): void
}

export function startFaults(faults: ForgeFaults, seed: number): RunningFaults {
  faults.seed(seed)
  const handles: [string, ForgeFaultHandle][] = Object.entries(rules).map(([name, rule]) => [
    name,
    faults.add(rule),
  ])
  return {
    hits: () => Object.fromEntries(handles.map(([name, { hits }]) => [name, hits])),
    calm: () => faults.clear(),
  }
}
