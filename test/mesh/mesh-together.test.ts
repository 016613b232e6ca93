/** Agents that start together behind one address, as in containers of one host, all get in. */
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLab, type Lab } from './support.ts'

let lab: Lab
const sockets: Socket[] = []
beforeEach(async () => {
  lab = await createLab()
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await lab.close()
})

const together = 20
const header = '\x13/multistream/1.0.0\n'

/** What the agent says to a connection that begins as every libp2p connection does. */
function knock(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(header))
    sockets.push(socket)
    socket.once('data', (data) => resolve(data.toString()))
    socket.once('error', () => resolve('refused'))
    socket.once('close', () => resolve('refused'))
  })
}

test('twenty connections in one moment from one address are all taken', async () => {
  const mesh = await lab.start('a', { mdns: { enabled: false } })
  const port = Number(/\/tcp\/(\d+)\//.exec(mesh.addresses()[0] ?? '')?.[1])
  const answers = await Promise.all(Array.from({ length: together }, () => knock(port)))
  expect(answers).toEqual(Array.from({ length: together }, () => header))
})
