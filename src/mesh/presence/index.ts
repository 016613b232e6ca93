/**
 * Who of the mesh is alive: states, own health, probes.
 *
 *   links, gossip, pictures ── signs, doubts ──▶ watch ── step ──▶ machine
 *                                                 │ ▲
 *                            probe of a doubted ──┘ └── ticks, own health
 *
 * @example
 * const watch = createWatch(timing, { probe, onChange, counters, logger })
 * watch.sign(peerId, 'link')
 * watch.of(peerId)?.presence // 'alive'
 */
export { type GoneReason, type Presence, type Timing } from './machine.ts'
export { createProber, pick } from './probe.ts'
export { createWatch, type View, type Watch } from './watch.ts'
