/**
 * The journal's state, as the rest of the agent follows it: others are told the own head when the
 * journal begins or goes on in a new epoch, and nothing new is begun while it is not written.
 */
import type { Journal } from '../journal/index.ts'
import type { Mesh } from '../mesh/index.ts'
import type { Startable } from '../util/index.ts'

/** False also when space is short: what runs may use what is left. */
export const mayBegin = (journal: Journal) => journal.state().is === 'open'

/** Tells others the own head at once when it matters. `onOpen`: the journal is written again. */
export function announcing(mesh: Mesh, journal: Journal, onOpen: () => void): Startable {
  const onState = () => {
    if (journal.state().is !== 'open') return
    mesh.announce({ journal: journal.head() })
    onOpen()
  }
  return {
    async start() {
      journal.events.on('state', onState)
      mesh.announce({ journal: journal.head() })
    },
    async stop() {
      journal.events.off('state', onState)
    },
  }
}
