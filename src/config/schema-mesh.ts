/** Options about the mesh: how this agent becomes a member, and how agents find and reach each other. */
import { z } from 'zod'
import * as field from './fields.ts'
import { option, wholeNumber } from './option.ts'

const join = option(field.storedSecret.optional(), {
  what: 'Where the token is, as `bzzz invite` prints it, with which an agent joins a mesh by itself when it belongs to none or is alone in its own.',
  why: 'For containers, with a token of `bzzz invite --uses any --ttl never` as their secret. It waits for as long as no signer answers. Without a token it founds a mesh of its own.',
  form: '{file: PATH}, {credential: NAME} or {env: NAME}',
  defaultText:
    'the first of the file in BZZZ_MESH_JOIN_FILE, $CREDENTIALS_DIRECTORY/mesh_join, /run/secrets/mesh_join, BZZZ_MESH_JOIN; else none',
  env: false,
})

export const mesh = z
  .strictObject({
    name: option(field.meshName.default('bzzz'), {
      what: 'Name of the mesh that is founded here, or that is looked for when joining without a token.',
      why: 'Lets several meshes share a network; it is no secret and no protection. A home that belongs to a mesh keeps that mesh’s name.',
      form: '1 to 32 of a-z, 0-9 and -',
    }),
    join,
    listen: option(z.array(field.listenAddress).min(1).max(16).default(['/ip4/0.0.0.0/tcp/0']), {
      what: 'Addresses on which other agents reach this one.',
      why: 'Port 0 takes a free one, which mDNS makes known; give a fixed port to agents that others bootstrap from.',
      form: 'TCP multiaddrs such as /ip4/0.0.0.0/tcp/4001, 1 to 16',
    }),
    announce: option(z.array(field.announceAddress).max(8).default([]), {
      what: 'Further addresses under which others reach this agent.',
      why: 'For a port that a router, a container host or a load balancer forwards to it; what the agent sees of itself is announced anyway. With a public one it serves as a relay.',
      form: 'TCP multiaddrs such as /ip4/198.51.100.7/tcp/4001 or /dns4/mesh.example.org/tcp/4001, up to 8',
      defaultText: 'none',
    }),
    connections: option(z.int().min(0).max(256).default(24), {
      what: 'About how many connections to other members this agent seeks by itself, beside those to the agents of `mesh.dht.bootstrap`.',
      why: 'A mesh of up to so many is connected each to each; a larger one is a random graph that holds together. More cost heartbeats and journal streams. 0: only those of `mesh.dht.bootstrap`, and whoever dials this one; for a shape of your own.',
      form: wholeNumber(0, 256),
    }),
    relay: z
      .strictObject({
        use: option(z.boolean().default(true), {
          what: 'Whether agents that cannot dial this one reach it through members that serve as relays.',
          why: 'Behind NAT there is no other way in. It costs one connection to a relay, and nothing where no member relays. What passes stays encrypted between the two ends.',
          form: 'true or false',
        }),
        serve: option(z.union([z.literal('auto'), z.boolean()]).default('auto'), {
          what: 'Whether this agent relays for other members; never for others.',
          why: '`auto` does with a public address, of its own or in `mesh.announce`. Say false where traffic costs, true on a private network with parts that reach each other only through this machine.',
          form: 'auto, true or false',
        }),
      })
      .prefault({})
      .describe('Connections through other members.'),
    autonat: option(z.boolean().default(true), {
      what: 'Whether members dial each other’s public addresses on request, to tell whether these work.',
      why: '`bzzz doctor` can then say that a port is closed. Only addresses of the one who asks are dialled.',
      form: 'true or false',
    }),
    holePunch: option(z.boolean().default(true), {
      what: 'Whether two agents that met through a relay try to connect directly (DCUtR).',
      why: 'It works where one of them turns out to be reachable; between two NATs it rarely does over TCP, and the relay stays. It costs a few dials.',
      form: 'true or false',
    }),
    upnp: option(z.boolean().default(false), {
      what: 'Whether the router is asked, by UPnP, to forward a port to this agent.',
      why: 'Off, since it opens the agent’s port to the Internet and many networks forbid it.',
      form: 'true or false',
    }),
    mdns: z
      .strictObject({
        enabled: option(z.boolean().default(true), {
          what: 'Whether agents on the same network find each other by multicast.',
          why: 'Makes a local mesh need no addresses.',
          form: 'true or false',
        }),
        interfaces: option(z.array(field.word).max(32).default([]), {
          what: 'Network interfaces to use for it.',
          why: 'Narrow it on machines with container bridges or a network that must not see the agent.',
          form: 'interface names such as eth0, up to 32',
          defaultText: 'none named: all',
        }),
      })
      .prefault({})
      .describe('Discovery on the local network.'),
    dht: z
      .strictObject({
        enabled: option(z.boolean().default(true), {
          what: 'Whether agents find each other through the Kademlia DHT of the mesh.',
          why: 'Idle without a bootstrap address, so it costs nothing where mDNS is enough.',
          form: 'true or false',
        }),
        bootstrap: option(z.array(field.peerAddress).max(64).default([]), {
          what: 'Addresses of agents that are dialled first.',
          why: 'The way into a mesh beyond the local network.',
          form: 'multiaddrs with peer id such as /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…, up to 64',
          defaultText: 'none',
        }),
      })
      .prefault({})
      .describe('Discovery beyond the local network.'),
  })
  .prefault({})
  .describe('How agents find and reach each other.')
