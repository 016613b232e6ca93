/**
 * A mesh in a process of its own, for tests that stop it or starve it of processor time.
 *
 *   node peer.ts HOME BOOTSTRAP BUSY_MS
 *
 * The home is a member's. It blocks its own event loop for BUSY_MS of each second, and says, a JSON line each, that it is up
 * and how others become present to it.
 */
import { createMesh, openMembership } from '../../../src/mesh/index.ts'
import { nullLogger, systemClock } from '../../../src/util/index.ts'
import { capabilities } from '../support.ts'

const [home = '', bootstrap = '', busyMs = '0'] = process.argv.slice(2)
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

const membership = await openMembership({ home, clock: systemClock, logger: nullLogger })
if (membership === undefined) throw new Error(`${home} belongs to no mesh`)
const mesh = createMesh(
  {
    home,
    name: 'child',
    version: '0.1.0',
    roles: ['worker'],
    listen: ['/ip4/127.0.0.1/tcp/0'],
    mdns: { enabled: false },
    dht: { enabled: false, bootstrap: [bootstrap] },
    capabilities,
    heartbeatIntervalMs: 1000,
    presence: { graceMs: 500, suspicionMs: 2000 },
  },
  { membership, logger: nullLogger },
)
mesh.events.on('peer:connect', ({ name }) => say({ connected: name }))
mesh.events.on('peer:presence', ({ name, presence }, before) => say({ name, presence, before }))
await mesh.start()
say({ up: mesh.peerId })

setInterval(() => {
  const end = performance.now() + Number(busyMs)
  while (performance.now() < end);
}, 1000)
process.stdin.resume().on('end', () => process.exit(0))
