/** How far what was read and emitted still holds when the store is opened anew. For one run. */
export interface Positions {
  /** Entries that were emitted, by key. */
  readonly emitted: Map<string, number>
  /** The own journal as this run found it; only the first call counts. */
  found(key: string, length: number): void
  /** Where the part of it begins that this run wrote. */
  begin(key: string): number
  /** The branch was given up: what was read of it holds up to where this run found it. */
  cut(key: string): void
  /** Where what was read may not be what is there now; undefined when all of it is. */
  rewound(key: string): number | undefined
}

export function createPositions(): Positions {
  const emitted = new Map<string, number>()
  const rewound = new Map<string, number>()
  let first: { key: string; length: number } | undefined
  const begin = (key: string) => (first?.key === key ? first.length : 0)
  return {
    emitted,
    found(key, length) {
      first ??= { key, length }
    },
    begin,
    cut(key) {
      const from = begin(key)
      rewound.set(key, from)
      emitted.set(key, Math.min(from, emitted.get(key) ?? 0))
    },
    rewound: (key) => rewound.get(key),
  }
}
