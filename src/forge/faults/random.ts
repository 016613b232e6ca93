/** Random numbers that a seed repeats: mulberry32, by Tommy Ettinger (public domain). */

/** Numbers in [0, 1) for one `stream` of a seed. */
export function random(seed: number, stream: number): () => number {
  let state = Math.imul(seed ^ Math.imul(stream, 0x9e3779b1), 0x85ebca6b) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
