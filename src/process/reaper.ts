/**
 * What the lease's shell turns into when its agent died: ends what that agent ran and goes.
 * Arguments: state directory, owner id. `lease.ts` says why.
 */
import { reapOwners } from './sweep.ts'
import { processTable } from './table.ts'

/** Between TERM and KILL, ms: nobody is left who could wait for more. */
const GRACE_MS = 1_000

const [stateDir, owner] = process.argv.slice(2)
if (stateDir === undefined || owner === undefined) process.exit(2)
const table = processTable(stateDir)
const records = table.read().records.filter((record) => record.owner.id === owner)
await reapOwners({ table, records, owners: [owner], graceMs: GRACE_MS, trustGroups: true })
