/**
 * AutoNAT: asks members to dial this peer at a public address that it believes to have. Fitted to a
 * mesh of members, in which a single one may be outside:
 *
 * - Its walks in search of strangers to ask are off: the members are connected anyway.
 * - Answering, it dials anew; libp2p would take the connection that the request came over for the
 *   answer, find another address, and close it.
 * - It looks at addresses of interfaces and mappings, and at those in `mesh.announce`. What others
 *   observe is the port of an outgoing TCP connection, on which nobody listens.
 */
import type { AutoNATComponents } from '@libp2p/autonat'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isRelayed } from '../addresses.ts'
import { isPublicAddress } from './choose.ts'
import { override } from '../override.ts'

/** An answer holds for so long, ms. */
const CONFIRMED_MS = 600_000
/** To dial an address on behalf of another, ms. */
const ANSWER_TIMEOUT_MS = 8000

export type Check = 'confirmed' | 'failed' | 'waiting'

export interface AutoNat {
  /** For the node that is made next. */
  service(): Promise<(components: AutoNATComponents) => unknown>
  /** What is known of each address that was asked about. */
  checks(): Map<string, Check>
}

/** What is read of the service: its results are private in the types, and only pinned by the version. */
interface Results {
  dialResults: Map<string, { success: number; failure: number }>
}

export function createAutoNat(now: () => number): AutoNat {
  const confirmed = new Map<string, number>()
  let results: Results | undefined

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
      return (all) => {
        const service = make(fitted(all))
        results = hasResults(service) ? service : undefined
        return service
      }
    },
    checks() {
      const all = new Map<string, Check>()
      for (const [text, { success, failure }] of results?.dialResults ?? []) {
        all.set(text, success === 0 && failure > 0 ? 'failed' : 'waiting')
      }
      for (const text of confirmed.keys()) if (isConfirmed(text)) all.set(text, 'confirmed')
      return all
    },
  }
}

function hasResults(service: unknown): service is Results {
  return (
    typeof service === 'object' &&
    service !== null &&
    'dialResults' in service &&
    service.dialResults instanceof Map
  )
}
