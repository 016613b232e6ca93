/** All scenarios, in the order in which they run. */
import type { Scenario } from '../scenario.ts'
import { worldItself } from './world-itself.ts'

export const scenarios: readonly Scenario[] = [worldItself]
