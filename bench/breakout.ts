/**
 * The break-out table: what was tried in each sandbox that works here, and what stopped it; as this user and,
 * when that is root, as a plain one. Sibling containers need BZZZ_TEST_ENGINE, the socket of an engine.
 */
import { asPlainUser, drawn, stage, tryLimits, tryWalls, type Row } from '../test/breakout/suite.ts'
import { plant } from '../test/breakout/targets.ts'

function tell(title: string, rows: Row[]): void {
  console.log(drawn(title, rows))
  if (rows.some(({ stopped }) => !stopped)) process.exitCode = 1
}

const targets = await plant()
try {
  for (const choice of ['bubblewrap', 'landlock', 'container'] as const) {
    const why = (reason: string) => console.log(`${choice}: not tried. ${reason}\n`)
    const place = await stage(choice, targets, why)
    if (place === undefined) continue
    try {
      tell(choice, [...(await tryWalls(place, targets)), ...(await tryLimits(place))])
    } finally {
      await place.close()
    }
  }
} finally {
  await targets.close()
}
const plain = (await asPlainUser(['bubblewrap', 'landlock'], 'all')) ?? {}
for (const [choice, rows] of Object.entries(plain)) {
  if (typeof rows === 'string') console.log(`${choice} as a plain user: not tried. ${rows}\n`)
  else tell(`${choice} as a plain user`, rows)
}
