/**
 * How others find and reach the agent that runs here, as it knows it, and what to do about what is
 * missing. The findings are pure; the checks fetch what they are made from.
 */
import { connect, type NetworkReach, type Status } from '../../../api/client.ts'
import type { Config } from '../../../config/index.ts'
import { reachWords } from '../../client/network-lines.ts'
import { CodedError, hasCode } from '../../../util/index.ts'
import { ok, skip, warn, type Check, type Finding } from './check.ts'

const answerMs = 5_000
/** Of a list, what is named; the rest is counted. */
const maxNamed = 3

/** Five rows from one answer of the agent. */
export function reachChecks(config: Config): Check[] {
  const { home, api } = config
  let asked: Promise<Status> | undefined
  const ask = (signal: AbortSignal) => {
    const socket = api.socket === undefined ? {} : { socketPath: api.socket }
    return (asked ??= connect(home, { signal, timeoutMs: answerMs, ...socket }).status())
  }
  return Object.entries(findings).map(([id, finding]) => ({
    id,
    run: async (signal) => {
      try {
        const { reach } = (await ask(signal)).mesh
        return reach === undefined ? skip('the agent is older and does not say') : finding(reach)
      } catch (error) {
        const holder = error instanceof CodedError ? error.data['pid'] : undefined
        if (hasCode(error, 'AGENT_NOT_RUNNING') && holder === undefined)
          return skip('no agent runs')
        // The row of the agent says what is wrong with it.
        return skip('the agent does not answer')
      }
    },
  }))
}

export const findings = {
  reach: reachFinding,
  relay: relayFinding,
  mdns: mdnsFinding,
  dht: dhtFinding,
  upnp: upnpFinding,
} satisfies Record<string, (reach: NetworkReach) => Finding>

const relayAdvice =
  'let a machine with a public address join (it relays by itself), forward a port of the router and name it in mesh.announce, or try mesh.upnp'

function reachFinding({ is, because, announced, peers, relay }: NetworkReach): Finding {
  const seen = `${reachWords[is]}: ${because}; ${told(announced)}`
  if (announced.length === 0)
    return warn(seen, 'Nobody can dial it: look at mesh.listen, and at the relay below.')
  switch (is) {
    case 'closed':
      return warn(
        seen,
        relay.uses.length > 0
          ? 'Members reach it through a relay. For direct connections open the port in the firewall, or forward it.'
          : 'Open the port in the firewall, or forward it.',
      )
    case 'nat':
      return relay.uses.length > 0
        ? ok(seen)
        : warn(seen, `Others reach it only while it dials them: ${relayAdvice}.`)
    case 'unknown':
      return peers.direct + peers.relayed === 0
        ? skip('no other agent was met yet')
        : skip('no member was dialled yet')
    case 'open':
    case 'unconfirmed':
    case 'routed':
    case 'local':
      return ok(seen)
  }
}

function told(announced: NetworkReach['announced']): string {
  if (announced.length === 0) return 'tells others no address'
  const kinds = ['public', 'private', 'loopback', 'relayed'] as const
  const counts = kinds.flatMap((kind) => {
    const some = announced.filter((at) => at.kind === kind)
    if (some.length === 0) return []
    const host = kind === 'public' ? ` (${named(some.map(({ address }) => address))})` : ''
    return [`${some.length} ${kind === 'relayed' ? 'through relays' : kind}${host}`]
  })
  return `tells others ${counts.join(', ')} of ${announced.length} addresses`
}

function relayFinding({ is, relay, peers, holePunch }: NetworkReach): Finding {
  const serves =
    relay.serves === null
      ? `serves nobody (${relay.because})`
      : `serves ${relay.serves} members (${relay.because})`
  const uses = relay.uses.length === 0 ? 'uses none' : `uses ${named(relay.uses)}`
  const punched = holePunch.enabled ? 'hole punching on' : 'hole punching off'
  const links = `${peers.direct} members connected directly, ${peers.relayed} through relays`
  const since = `${punched}: ${holePunch.upgraded} of ${holePunch.relayed} became direct`
  const stays = is === 'nat' && peers.relayed > 0 && holePunch.upgraded === 0
  const why = stays
    ? ' (between two NATs it does not work over TCP: for direct connections forward a port of one router, and name it in mesh.announce there)'
    : ''
  return ok(`${uses}; ${serves}; ${links}; ${holePunch.relayed === 0 ? punched : since}${why}`)
}

function mdnsFinding({ multicast, peers }: NetworkReach): Finding {
  if (multicast.length === 0) return skip('off, or no interface to use')
  const seen = multicast
    .map(({ interface: name, address, ok: fine, answers }) =>
      fine ? `${name} (${address}): ${answers} answers` : `${name} (${address}): failed`,
    )
    .join(', ')
  if (multicast.some(({ ok: fine }) => !fine))
    return warn(
      seen,
      'Another program may hold UDP port 5353 for itself (ss -ulnp shows it); it is tried again.',
    )
  if (peers.direct + peers.relayed === 0 && multicast.every(({ answers }) => answers === 0))
    return warn(
      seen,
      'Nobody answers: is another agent on this network, and does the network let multicast through (many wireless ones do not)? Else name an agent in mesh.dht.bootstrap.',
    )
  return ok(seen)
}

function dhtFinding({ dht, bootstrap, peers }: NetworkReach): Finding {
  if (dht.peers === null && bootstrap.length === 0) return skip('off')
  const table = dht.peers === null ? 'the DHT is off' : `${dht.peers} members in the table`
  const away = bootstrap.filter(({ connected }) => !connected)
  const first =
    bootstrap.length === 0
      ? 'no first addresses'
      : `${bootstrap.length - away.length} of ${bootstrap.length} first addresses connected`
  const seen = `${table}; ${first}`
  if (away.length === 0 || away.length < bootstrap.length) return ok(seen)
  const next = `Look whether these are up and right: ${named(away.map(({ address }) => address))}.`
  return peers.direct + peers.relayed > 0 ? ok(`${seen}; others are`) : warn(seen, next)
}

function upnpFinding({ upnp }: NetworkReach): Finding {
  if (!upnp.enabled) return skip('off')
  return upnp.addresses.length > 0
    ? ok(`the router forwards ${named(upnp.addresses)}`)
    : warn(
        'no router forwards a port',
        'Switch UPnP on in the router, or forward a port by hand and name it in mesh.announce.',
      )
}

function named(list: readonly string[]): string {
  const more = list.length - maxNamed
  return more > 0 ? `${list.slice(0, maxNamed).join(', ')} and ${more} more` : list.join(', ')
}
