/** All scenarios, in the order in which they run. */
import type { Scenario } from '../scenario.ts'
import { clockJump, diskFull, fullAtStart, restored, twinned } from './homes.ts'
import { hostile } from './hostile.ts'
import { lan, lanLong, lanParts } from './lan.ts'
import { lossy, slowLinks } from './links.ts'
import { behindNat, mixedReach } from './nat.ts'
import { worldItself } from './world-itself.ts'

/** What a run without names consists of. */
export const scenarios: readonly Scenario[] = [
  worldItself,
  lan,
  restored,
  diskFull,
  behindNat,
  hostile,
  mixedReach,
  lossy,
  slowLinks,
  twinned,
  clockJump,
  lanLong,
]
/** Run only when they are named: each is a part of another. */
export const parts: readonly Scenario[] = [...lanParts, fullAtStart]
