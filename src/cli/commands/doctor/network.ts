/** What this machine's network lets through, tried here and now, whether or not an agent runs. */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Config } from '../../../config/index.ts'
import { ok, skip, warn, type Check } from './check.ts'

/** For one address or interface, ms. */
const tryMs = 3_000
/** First addresses that are tried at a time. */
const maxAtOnce = 8
const group = '224.0.0.251'

/** Whether something listens at the first addresses; who it is, the agent finds out. */
export const bootstrapCheck = ({ mesh }: Config): Check => ({
  id: 'bootstrap',
  ms: 60_000,
  run: async (signal) => {
    const all = mesh.dht.bootstrap
    if (all.length === 0) return skip('mesh.dht.bootstrap names none')
    const left = [...all]
    const failed: string[] = []
    const worker = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [, host = '', port = ''] = /^\/[^/]+\/([^/]+)\/tcp\/(\d+)/.exec(next) ?? []
        const problem = await tryPort(host, Number(port), signal)
        if (problem !== undefined) failed.push(`${host}:${port} (${problem})`)
      }
    }
    await Promise.all(Array.from({ length: maxAtOnce }, worker))
    if (failed.length === 0) return ok(`${all.length} of ${all.length} answer`)
    const seen = `${all.length - failed.length} of ${all.length} answer; not: ${failed.join(', ')}`
    return warn(seen, 'Correct mesh.dht.bootstrap, or start those agents, or let this port out.')
  },
})

function tryPort(host: string, port: number, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal, timeout: tryMs })
    const end = (problem?: string) => {
      socket.destroy()
      resolve(problem)
    }
    socket.once('connect', () => end())
    socket.once('timeout', () => end('no answer'))
    socket.once('error', (error) => end('code' in error ? String(error.code) : error.message))
  })
}

/** A packet to the group of mDNS must come back on each interface. */
export const multicastCheck = ({ mesh }: Config): Check => ({
  id: 'multicast',
  run: async (signal) => {
    const { enabled, interfaces } = mesh.mdns
    if (!enabled) return skip('mesh.mdns is off')
    const candidates = Object.entries(networkInterfaces()).flatMap(([name, list]) => {
      const four = list?.find(({ family, internal }) => family === 'IPv4' && !internal)
      const asked = interfaces.length === 0 || interfaces.includes(name)
      return four === undefined || !asked ? [] : [{ name, address: four.address }]
    })
    if (candidates.length === 0) return skip('no interface beside loopback')
    const results = await Promise.all(
      candidates.map(async ({ name, address }) => ({
        name,
        problem: await tryMulticast(address, signal),
      })),
    )
    const seen = results.map(({ name, problem }) => `${name}: ${problem ?? 'passes'}`).join(', ')
    if (results.every(({ problem }) => problem === undefined)) return ok(seen)
    return warn(
      seen,
      'A firewall or the interface keeps multicast back: allow UDP to 224.0.0.251, name other interfaces in mesh.mdns.interfaces, or name an agent in mesh.dht.bootstrap.',
    )
  },
})

function tryMulticast(address: string, signal: AbortSignal): Promise<string | undefined> {
  const token = randomBytes(16)
  return new Promise((resolve) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true, signal })
    const timer = setTimeout(() => end('nothing comes back'), tryMs)
    let over = false
    const end = (problem?: string) => {
      if (over) return
      over = true
      clearTimeout(timer)
      try {
        socket.close()
      } catch {
        // The signal has closed it.
      }
      resolve(problem)
    }
    socket.on('error', (error) => end('code' in error ? String(error.code) : error.message))
    socket.on('close', () => end('ended'))
    socket.on('message', (message) => {
      if (message.equals(token)) end()
    })
    socket.bind(0, () => {
      try {
        socket.addMembership(group, address)
        socket.setMulticastInterface(address)
        socket.setMulticastTTL(1)
        socket.send(token, socket.address().port, group)
      } catch (error) {
        end(error instanceof Error && 'code' in error ? String(error.code) : 'refused')
      }
    })
  })
}
