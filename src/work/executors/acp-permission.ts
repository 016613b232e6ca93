/**
 * The answer to an agent that asks whether it may. Pure. It may, once, as long as every place that
 * the request names is within the workspace; a standing permission is given only if nothing else
 * is offered, since it ends with the session.
 */
import type { PermissionOption, RequestPermissionOutcome } from '@agentclientprotocol/sdk'

export interface PermissionAnswer {
  allowed: boolean
  outcome: RequestPermissionOutcome
}

const ALLOW: readonly PermissionOption['kind'][] = ['allow_once', 'allow_always']
const REFUSE: readonly PermissionOption['kind'][] = ['reject_once', 'reject_always']

/** `within`: whether all places that the request names are within the workspace. */
export function answerPermission(
  options: readonly PermissionOption[],
  within: boolean,
): PermissionAnswer {
  const wanted = within ? ALLOW : REFUSE
  for (const kind of wanted) {
    const option = options.find((one) => one.kind === kind)
    if (option !== undefined) {
      return { allowed: within, outcome: { outcome: 'selected', optionId: option.optionId } }
    }
  }
  return { allowed: false, outcome: { outcome: 'cancelled' } }
}
