/** The break-out table: what was tried in each sandbox that works here, and what stopped it. */
import { drawn, stage, tryLimits, tryWalls } from '../test/breakout/suite.ts'
import { plant } from '../test/breakout/targets.ts'

const targets = await plant()
try {
  for (const choice of ['bubblewrap', 'landlock', 'container'] as const) {
    const why = (reason: string) => console.log(`${choice}: not tried. ${reason}\n`)
    const place = await stage(choice, targets, why)
    if (place === undefined) continue
    try {
      const rows = [...(await tryWalls(place, targets)), ...(await tryLimits(place))]
      console.log(drawn(choice, rows))
      if (rows.some(({ stopped }) => !stopped)) process.exitCode = 1
    } finally {
      await place.close()
    }
  }
} finally {
  await targets.close()
}
