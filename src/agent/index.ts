/**
 * The composition root: builds the rooms that the configuration asks for, hands each what it needs
 * of the others, starts them in order and stops them in reverse. It decides nothing of its own.
 *
 *   lock ─► processes ─► membership ─► mesh ─► journal ─► board ─► api ─► help ─► work ─► tasks ─► webhooks ─► refresh
 *
 * The lock comes first, so that nothing of another agent's home is touched; the sweep of leftover
 * processes comes before anything that could start one; an agent that no mesh has let in yet waits
 * before it connects to anything; tasks come last, when everything they rely
 * on is there, and stop first, because handing work back needs all the rest. An observer has no
 * work, no tasks and no webhooks.
 *
 * @example
 * const agent = createAgent({ config }, { logger })
 * await agent.start()
 * agent.status()
 * await agent.stop()
 */
export { createAgent } from './agent.ts'
export { assertUsable, checkConfig, type ConfigCheck } from './check-config.ts'
export { makeWork } from './make-work.ts'
export { sandboxOf } from './sandbox.ts'
export { version } from './version.ts'
export type { Agent, AgentComponents, AgentInit } from './types.ts'
