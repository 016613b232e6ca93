/**
 * AutoNAT: asks members to dial this peer at a public address that it believes to have. Fitted to a
 * mesh of members, in which a single one may be outside:
 *
 * - Its walks in search of strangers to ask are off: the members are connected anyway.
 * - Answering, it dials anew; libp2p would take the connection that the request came over for the
 *   answer, find another address, and close it.
 * - It looks at addresses of interfaces and mappings, and at those in `mesh.announce`. What others
 *   observe is the port of an outgoing TCP connection, on which nobody listens.
 * - libp2p asks once for each first byte of members' addresses, when they connect; one answer that came
 *   late on a busy machine would stand for ever. Here a member is asked again until it works.
 */
import type { AutoNATComponents } from '@libp2p/autonat'
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isRelayed } from '../node/addresses.ts'
import { isPublicAddress } from './choose.ts'
import { override } from '../node/override.ts'

/** An answer holds for so long, ms. */
const CONFIRMED_MS = 600_000
/** To dial an address on behalf of another, ms. */
const ANSWER_TIMEOUT_MS = 8000
/** Between questions about an address that is not confirmed, ms; and once it has failed. */
const ASK_MS = 20_000
const ASK_FAILED_MS = 120_000
/** Failures in a row that are believed. */
const FAILURES_BELIEVED = 2

export type Check = 'confirmed' | 'failed' | 'waiting'

export interface AutoNat {
  /** For the node that is made next. */
  service(): Promise<(components: AutoNATComponents) => unknown>
  /** Asks one of these members again, when it is time. */
  ask(connections: readonly Connection[]): Promise<void>
  /** What is known of each address that was asked about. */
  checks(): Map<string, Check>
}

/** What is used of the service, which its types keep private; the version is pinned. */
interface Service {
  dialResults: Map<string, { success: number; failure: number }>
  verifyExternalAddresses(connection: Connection): Promise<void>
}

export function createAutoNat(now: () => number, random = Math.random): AutoNat {
  const confirmed = new Map<string, number>()
  const failures = new Map<string, number>()
  let service: Service | undefined
  let askedAt = Number.NEGATIVE_INFINITY

  const isConfirmed = (text: string): boolean => {
    const at = confirmed.get(text)
    return at !== undefined && now() - at < CONFIRMED_MS
  }

  function fitted(all: AutoNATComponents): AutoNATComponents {
    const { addressManager, connectionManager } = all
    return override(all, {
      randomWalk: { walk: async function* () {} },
      connectionManager: override(connectionManager, {
        openConnection: (to, options) =>
          connectionManager.openConnection(to, { ...options, force: true }),
      }),
      addressManager: override(addressManager, {
        getAddressesWithMetadata: () =>
          addressManager.getAddressesWithMetadata().flatMap((address) => {
            const text = address.multiaddr.toString()
            if (address.type === 'observed' || isRelayed(text) || !isPublicAddress(text)) return []
            return [{ ...address, expires: isConfirmed(text) ? Number.MAX_SAFE_INTEGER : 0 }]
          }),
        confirmObservedAddr: (address: Multiaddr, options) => {
          confirmed.set(address.toString(), now())
          failures.delete(address.toString())
          addressManager.confirmObservedAddr(address, options)
        },
      }),
    })
  }

  return {
    async service() {
      const { autoNAT } = await import('@libp2p/autonat')
      const make = autoNAT({ timeout: ANSWER_TIMEOUT_MS, maxInboundStreams: 2 })
      confirmed.clear()
      failures.clear()
      askedAt = Number.NEGATIVE_INFINITY
      return (all) => {
        const made = make(fitted(all))
        service = isService(made) ? made : undefined
        return made
      }
    },
    async ask(connections) {
      if (service === undefined) return
      const believed = [...failures.values()].some((count) => count >= FAILURES_BELIEVED)
      if (now() - askedAt < (believed ? ASK_FAILED_MS : ASK_MS)) return
      const member = connections[Math.floor(random() * connections.length)]
      if (member === undefined) return
      askedAt = now()
      for (const [text, { success, failure }] of service.dialResults) {
        if (success > 0 || failure === 0) continue
        failures.set(text, (failures.get(text) ?? 0) + 1)
        service.dialResults.delete(text)
      }
      await service.verifyExternalAddresses(member)
    },
    checks() {
      const all = new Map<string, Check>()
      for (const text of service?.dialResults.keys() ?? []) all.set(text, 'waiting')
      for (const [text, count] of failures) {
        all.set(text, count >= FAILURES_BELIEVED ? 'failed' : 'waiting')
      }
      for (const text of confirmed.keys()) if (isConfirmed(text)) all.set(text, 'confirmed')
      return all
    },
  }
}

function isService(service: unknown): service is Service {
  return (
    typeof service === 'object' &&
    service !== null &&
    'dialResults' in service &&
    service.dialResults instanceof Map &&
    'verifyExternalAddresses' in service
  )
}
